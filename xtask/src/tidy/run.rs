//! Walks the tree and applies every rule.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use super::finding::{Finding, Severity};
use super::source::Source;
use super::{modules, names, packages, portable, sizes, unfinished};

/// Folders that hold seeds of failed property tests; one for all crates.
const SEEDS: &str = "proptest-regressions";

/// What of the tree the rules look at.
#[derive(Default)]
struct Tree {
    sources: Vec<Source>,
    /// Path and text of `.toml` files and of everything in `.ci/`.
    texts: Vec<(String, String)>,
    folders: Vec<String>,
}

/// Prints every finding; fails when one of them is more than a warning.
pub(crate) fn run(root: &Path) -> ExitCode {
    let mut tree = Tree::default();
    let findings = walk(root, "", &mut tree)
        .map_err(|error| format!("reading the tree: {error}"))
        .and_then(|()| check(root, tree));
    let mut findings = match findings {
        Ok(findings) => findings,
        Err(error) => {
            eprintln!("tidy: {error}");
            return ExitCode::FAILURE;
        }
    };
    findings.sort_by(|a, b| (&a.path, a.line).cmp(&(&b.path, b.line)));
    for finding in &findings {
        println!("{finding}");
    }
    let failures = findings.iter().filter(|finding| finding.severity == Severity::Failure).count();
    println!("tidy: {failures} failures, {} warnings", findings.len() - failures);
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn check(root: &Path, mut tree: Tree) -> Result<Vec<Finding>, String> {
    let mut findings = modules::check_orphans(&tree.sources);
    let test_only = modules::test_only(&tree.sources);
    for source in &mut tree.sources {
        if modules::is_below(&source.path, &test_only) {
            source.shipped.clear();
        }
    }
    for source in &tree.sources {
        findings.extend(sizes::check_file(source));
        findings.extend(sizes::check_functions(source));
        findings.extend(modules::check_mod_rs(source));
        findings.extend(names::check(source));
        findings.extend(unfinished::check_source(source));
        findings.extend(portable::check(source));
    }
    findings.extend(tree.texts.iter().flat_map(|(path, text)| unfinished::check_text(path, text)));
    findings.extend(check_seed_folders(&tree.folders));

    let packages = load_packages(root, &tree.texts)?;
    findings.extend(packages::check_layers(&packages));
    let reasons = fs::read_to_string(root.join(packages::REASONS)).unwrap_or_default();
    findings.extend(packages::check_reasons(&packages, &reasons));
    Ok(findings)
}

/// All packages: the workspace's, and those outside it with a lock of their own.
fn load_packages(root: &Path, texts: &[(String, String)]) -> Result<Vec<packages::Package>, String> {
    let mut all = packages::load(root, "Cargo.toml")?;
    for (path, _) in texts.iter().filter(|(path, _)| path.ends_with("/Cargo.toml")) {
        if !all.iter().any(|package| package.manifest == *path) {
            all.extend(packages::load(root, path)?);
        }
    }
    Ok(all)
}

fn check_seed_folders(folders: &[String]) -> Vec<Finding> {
    let strays = folders.iter().filter(|folder| folder.ends_with(&format!("/{SEEDS}")));
    let what =
        format!("seeds belong into {SEEDS}/ at the top: name that file in FileFailurePersistence::Direct");
    strays.map(|folder| Finding::failure(folder, 1, what.as_str())).collect()
}

/// Reads everything below `dir` but hidden folders and what cargo built.
fn walk(root: &Path, dir: &str, tree: &mut Tree) -> std::io::Result<()> {
    let mut entries = fs::read_dir(root.join(dir))?.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = if dir.is_empty() { name.clone() } else { format!("{dir}/{name}") };
        let kind = entry.file_type()?;
        if kind.is_dir() && !is_skipped(&name, &entry.path()) {
            walk(root, &path, tree)?;
            tree.folders.push(path);
        } else if kind.is_file() && name.ends_with(".rs") {
            tree.sources.push(Source::new(&path, &fs::read_to_string(entry.path())?));
        } else if kind.is_file() && (name.ends_with(".toml") || path.starts_with(".ci/")) {
            tree.texts.push((path, fs::read_to_string(entry.path())?));
        }
    }
    Ok(())
}

fn is_skipped(name: &str, path: &Path) -> bool {
    let is_hidden = name.starts_with('.') && name != ".ci";
    is_hidden || name == "target" || name.starts_with("target-") || path.join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_lie_at_the_top() {
        let folders = [SEEDS.to_owned(), format!("core/{SEEDS}"), "core/src".to_owned()];
        let paths: Vec<_> = check_seed_folders(&folders).into_iter().map(|finding| finding.path).collect();
        assert_eq!(paths, [format!("core/{SEEDS}")]);
    }
}
