//! The end of a run.

/// How a run ended. The numbers are the exit status of QEMU, apart from those that QEMU itself uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub(crate) enum Status {
    /// What was asked for is done.
    Success = 0,
    /// A bug noticed itself.
    Panic = 101,
    /// Nobody fed the watchdog.
    Watchdog = 102,
    /// The main stack, or that of interrupts, was too short.
    StackOverflow = 103,
    /// The processor refused an access or an instruction.
    Fault = 104,
    /// A device that must be there is not.
    NoDevice = 105,
    /// There are no settings, or none to live with.
    NoSettings = 106,
}

/// Ends the run; a vendor's board resets here.
pub(crate) fn exit(status: Status) -> ! {
    semihosting::process::exit(status as i32)
}
