//! Which package may import which, and why a foreign one was chosen at all.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::finding::Finding;

/// Our packages and those of ours that each may import: the layer rule of CONTRIBUTING.md.
const LAYERS: [(&str, &[&str]); 17] = [
    ("livesky-core", &[]),
    ("livesky-std", &["livesky-core"]),
    ("livesky-embedded", &["livesky-core"]),
    ("livesky-sim", &["livesky-core"]),
    ("livesky-placement", &["livesky-core"]),
    ("livesky", &["livesky-core", "livesky-std", "livesky-sim", "livesky-placement"]),
    ("livesky-stb", &["livesky-core", "livesky-embedded", "livesky-stb-decoder", "livesky-stb-settings"]),
    ("livesky-stb-decoder", &["livesky-core", "livesky-embedded"]),
    ("livesky-stb-settings", &[]),
    ("livesky-stb-host", &["livesky-stb-net", "livesky-stb-settings"]),
    ("livesky-stb-net", &[]),
    ("livesky-c", &["livesky-core"]),
    ("livesky-c-header", &[]),
    ("livesky-fuzz", &["livesky-core", "livesky-sim"]),
    ("livesky-footprint", &["livesky-core"]),
    ("livesky-mutants", &[]),
    ("xtask", &["livesky-stb-settings"]),
];

/// Where each foreign dependency has its line.
pub(crate) const REASONS: &str = "docs/dependencies.md";

/// What a manifest says that matters here.
pub(crate) struct Package {
    pub(crate) name: String,
    /// Path of `Cargo.toml` from the repository's root.
    pub(crate) manifest: String,
    /// The manifest's text, to find the line of a dependency.
    pub(crate) text: String,
    /// Names of everything it depends on: normal, dev and build.
    pub(crate) dependencies: Vec<String>,
}

/// Packages that are unknown, or that import what their layer may not.
pub(crate) fn check_layers(packages: &[Package]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
            let what = format!(
                "package `{}` has no layer: add it to the table in xtask/src/tidy/packages.rs",
                package.name
            );
            findings.push(Finding::failure(&package.manifest, 1, what));
            continue;
        };
        // A package may name itself among its dev-dependencies, to test all its features.
        let is_allowed = |name: &str| !is_ours(name) || name == package.name || allowed.contains(&name);
        for dependency in package.dependencies.iter().filter(|name| !is_allowed(name)) {
            let what =
                format!("`{}` may not import `{dependency}`: imports point towards core", package.name);
            findings.push(Finding::failure(&package.manifest, line_in(&package.text, dependency), what));
        }
    }
    findings
}

/// Foreign dependencies without a line that says why, and lines about crates that nobody uses.
pub(crate) fn check_reasons(packages: &[Package], reasons: &str) -> Vec<Finding> {
    let explained: Vec<_> = explained(reasons);
    let mut used = BTreeSet::new();
    let mut findings = Vec::new();
    for package in packages {
        for dependency in package.dependencies.iter().filter(|name| !is_ours(name)) {
            let first_use = used.insert(dependency.as_str());
            if first_use && !explained.iter().any(|(_, name)| name == dependency) {
                let what = format!("`{dependency}` has no line in {REASONS}: say why it and not its rival");
                findings.push(Finding::failure(&package.manifest, line_in(&package.text, dependency), what));
            }
        }
    }
    for (line, name) in explained.iter().filter(|(_, name)| !used.contains(name)) {
        findings.push(Finding::warning(
            REASONS,
            *line,
            format!("nothing depends on `{name}`: delete its line"),
        ));
    }
    findings
}

/// Asks cargo for the packages of `manifest` and its workspace.
pub(crate) fn load(root: &Path, manifest: &str) -> Result<Vec<Package>, String> {
    let arguments = ["metadata", "--no-deps", "--format-version=1", "--offline", "--manifest-path", manifest];
    let output = Command::new("cargo").args(arguments).current_dir(root).output();
    let output = output.map_err(|error| format!("cargo metadata: {error}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata of {manifest}: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value = serde_json::from_slice(&output.stdout).map_err(|error| error.to_string())?;
    let packages = metadata.get("packages").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    Ok(packages.iter().filter_map(|package| read_package(root, package)).collect())
}

fn read_package(root: &Path, package: &Value) -> Option<Package> {
    let path = Path::new(package.get("manifest_path")?.as_str()?);
    let dependencies = package.get("dependencies")?.as_array()?.iter();
    Some(Package {
        name: package.get("name")?.as_str()?.to_owned(),
        manifest: path.strip_prefix(root).ok()?.to_string_lossy().into_owned(),
        text: std::fs::read_to_string(path).unwrap_or_default(),
        dependencies: dependencies.filter_map(|dep| Some(dep.get("name")?.as_str()?.to_owned())).collect(),
    })
}

fn is_ours(name: &str) -> bool {
    LAYERS.iter().any(|(ours, _)| *ours == name) || name.starts_with("livesky")
}

/// The crates in backquotes before the first colon of each list item, with the item's line.
fn explained(reasons: &str) -> Vec<(usize, &str)> {
    let items =
        reasons.lines().enumerate().filter_map(|(index, line)| Some((index + 1, line.strip_prefix("- ")?)));
    items
        .flat_map(|(line, item)| {
            let names = item.split_once(':').map_or("", |(names, _)| names);
            names.split('`').skip(1).step_by(2).map(move |name| (line, name))
        })
        .collect()
}

fn line_in(manifest: &str, dependency: &str) -> usize {
    let found = manifest
        .lines()
        .position(|line| line.strip_prefix(dependency).is_some_and(|rest| rest.starts_with([' ', '=', '.'])));
    found.map_or(1, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(name: &str, text: &str, dependencies: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            manifest: format!("{name}/Cargo.toml"),
            text: text.to_owned(),
            dependencies: dependencies.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn imports_point_towards_core() {
        for (name, dependency, allowed) in [
            ("livesky-std", "livesky-core", true),
            ("livesky", "livesky-std", true),
            ("livesky-std", "livesky-std", true),
            ("livesky-core", "livesky-std", false),
            ("livesky-std", "livesky", false),
            ("livesky-fuzz", "xtask", false),
            ("livesky-core", "heapless", true),
            ("livesky-new", "heapless", false),
        ] {
            assert_eq!(
                check_layers(&[package(name, "", &[dependency])]).is_empty(),
                allowed,
                "{name} {dependency}"
            );
        }
        let text = "[dependencies]\nlivesky-core-x = 1\nlivesky.workspace = true\n";
        let findings = check_layers(&[package("livesky-std", text, &["livesky"])]);
        assert_eq!(findings.first().map(|finding| finding.line), Some(3));
    }

    #[test]
    fn each_foreign_crate_has_its_line() {
        let reasons =
            "# Title: `smol`\n- `heapless`, `postcard`: small, unlike `bincode`.\n- `gone`: was here.\n";
        let packages = [package(
            "livesky-core",
            "[dependencies]\nheapless = 1\nlog = 1\n",
            &["heapless", "log", "postcard"],
        )];
        let findings = check_reasons(&packages, reasons);
        let places: Vec<_> = findings.iter().map(|finding| (finding.path.as_str(), finding.line)).collect();
        assert_eq!(places, [("livesky-core/Cargo.toml", 3), (REASONS, 3)]);
    }
}
