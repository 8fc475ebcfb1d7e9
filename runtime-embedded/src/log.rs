//! Log lines go to `defmt`, to `log`, to both or nowhere, as the features say.

macro_rules! info {
    ($($part:tt)*) => { $crate::log::line!(info, $($part)*) };
}

macro_rules! warning {
    ($($part:tt)*) => { $crate::log::line!(warn, $($part)*) };
}

// Formats are those both understand: `{}` for what both can show.
macro_rules! line {
    ($level:ident, $format:literal $(, $value:expr)* $(,)?) => {{
        #[cfg(feature = "defmt")]
        defmt::$level!($format $(, $value)*);
        #[cfg(feature = "log")]
        log::$level!($format $(, $value)*);
        #[cfg(not(any(feature = "defmt", feature = "log")))]
        { $( let _ = &$value; )* }
    }};
}

pub(crate) use {info, line, warning};
