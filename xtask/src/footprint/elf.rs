//! Sizes and symbols of a linked program.

use object::{Object, ObjectSection, ObjectSymbol, SectionKind};

/// What a linked program takes, by where it lies in memory.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    /// Instructions.
    pub(crate) code_bytes: u64,
    /// Read-only tables and strings.
    pub(crate) consts_bytes: u64,
    /// Variables, zero at start or not.
    pub(crate) statics_bytes: u64,
    /// Functions of `core::panicking` that something reaches.
    pub(crate) panics: Vec<String>,
}

/// Reads the ELF file in `bytes`.
pub(crate) fn measure(bytes: &[u8]) -> Result<Sizes, String> {
    let file = object::File::parse(bytes).map_err(|error| error.to_string())?;
    let size_of = |kinds: &[SectionKind]| {
        let sections =
            file.sections().filter(|section| kinds.contains(&section.kind()) && !is_unwinding(section));
        sections.map(|section| section.size()).sum()
    };
    let names = file.symbols().filter_map(|symbol| Some(symbol.name().ok()?.to_owned()));
    let mut panics: Vec<String> = names.filter(|name| is_panic(name)).collect();
    panics.sort();
    panics.dedup();
    Ok(Sizes {
        code_bytes: size_of(&[SectionKind::Text]),
        consts_bytes: size_of(&[SectionKind::ReadOnlyData, SectionKind::ReadOnlyString]),
        statics_bytes: size_of(&[SectionKind::Data, SectionKind::UninitializedData]),
        panics,
    })
}

/// Tables for unwinding, which a firmware that aborts leaves out.
fn is_unwinding<'a>(section: &impl ObjectSection<'a>) -> bool {
    section.name().is_ok_and(|name| name.starts_with(".eh_frame") || name.starts_with(".ARM.ex"))
}

/// Both of rustc's manglings write the path's parts with their lengths before them.
fn is_panic(symbol: &str) -> bool {
    symbol.contains("4core9panicking")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_in_both_manglings() {
        assert!(is_panic("_ZN4core9panicking9panic_fmt17h0123456789abcdefE"));
        assert!(is_panic("_RNvNtCsabc_4core9panicking18panic_bounds_check"));
        assert!(!is_panic("_ZN12livesky_core4wire6decode17h0123456789abcdefE"));
    }

    #[test]
    fn this_very_program_has_code_and_panics() {
        let path = std::env::current_exe().expect("our own path");
        let sizes = measure(&std::fs::read(path).expect("our own file"));
        if cfg!(target_os = "linux") {
            let sizes = sizes.expect("an ELF file");
            assert!(sizes.code_bytes > 10_000 && sizes.consts_bytes > 1_000 && sizes.statics_bytes > 0);
            assert!(!sizes.panics.is_empty());
        }
    }

    #[test]
    fn other_files_are_refused() {
        assert!(measure(b"not a program").is_err());
    }
}
