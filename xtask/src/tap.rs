//! The embedded viewer of `runtime-embedded/examples/tap.rs` watches a real edge through a TAP interface, over IPv4 and IPv6: in a network
//! namespace of the test's own, which needs no root.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use clap::Args;

use crate::rig::{self, Built, CLIP, Edge, WATCH_SECONDS, is_missing, succeed};

const TAP: &str = "tap0";
/// Channel, the edge's address as it stands before a port, the viewer's address and prefix.
const VERSIONS: [(&str, &str, &str); 2] =
    [("ipv4", "10.7.0.1", "10.7.0.2/24"), ("ipv6", "[fd07::1]", "fd07::2/64")];

/// What the part in the namespace is handed.
#[derive(Args)]
pub(crate) struct Inside {
    program: PathBuf,
    viewer: PathBuf,
    folder: PathBuf,
}

/// Builds, and runs the rest in a namespace.
pub(crate) fn test(root: &Path) -> ExitCode {
    verdict(outside(root))
}

/// The rest.
pub(crate) fn inside(root: &Path, inside: &Inside) -> ExitCode {
    verdict(watch_all(root, inside))
}

fn verdict(result: Result<(), String>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tap-test: {error}");
            ExitCode::FAILURE
        }
    }
}

fn outside(root: &Path) -> Result<(), String> {
    if is_missing("unshare")? || is_missing("ip")? {
        return Ok(());
    }
    let built = Built::new(root)?;
    let folder = crate::target_dir(root).join("tap-test");
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--net"]).arg(own).arg("tap-test-inside");
    command.arg(built.program("livesky")?).arg(built.program("tap")?).arg(folder);
    succeed(command.current_dir(root))
}

fn watch_all(root: &Path, inside: &Inside) -> Result<(), String> {
    let address = ["address", "add", "dev", TAP];
    let steps: [&[&str]; 5] = [
        &["link", "set", "lo", "up"],
        &["tuntap", "add", TAP, "mode", "tap"],
        &[&address[..], &["10.7.0.1/24"]].concat(),
        // The address is there at once: nobody else could have it.
        &[&address[..], &["fd07::1/64", "nodad"]].concat(),
        &["link", "set", TAP, "up"],
    ];
    for step in steps {
        succeed(Command::new("ip").args(step))?;
    }
    let clip = root.join(CLIP);
    let published = fs::read(&clip).map_err(|error| format!("{CLIP}: {error}"))?;
    for (channel, host, own) in VERSIONS {
        let edge = Edge::start(&inside.program, host)?;
        let _publisher = rig::publish(&inside.program, &edge, &clip, channel)?;
        let (host, port) = edge.clients.rsplit_once(':').ok_or("the edge has no port")?;
        let out = inside.folder.join(format!("{channel}.ts"));
        let file = File::create(&out).map_err(|error| format!("{}: {error}", out.display()))?;
        let mut viewer = Command::new(&inside.viewer);
        viewer.args(["--tap", TAP, "--edge", host.trim_matches(['[', ']']), "--port", port]);
        viewer.args(["--channel", channel, "--address", own, "--seconds", &WATCH_SECONDS.to_string()]);
        let said = rig::patiently(viewer.stdin(Stdio::null()).stdout(file))?;
        rig::compare(channel, &out, &published, &said)?;
    }
    Ok(())
}
