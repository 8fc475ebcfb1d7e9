//! The firmware of a set-top box: a viewer that also relays, without an operating system.
//!
//! [`board`] is the hardware and is replaced for another box; [`settings`] what the box was told; [`viewer`] what it does;
//! [`resources`] its memory, every static with its size.
#![no_std]
#![no_main]

mod board;
#[cfg(feature = "drill")]
mod drill;
mod panic;
mod resources;
mod screen;
mod settings;
#[cfg(feature = "record")]
mod tape;
mod viewer;

use embassy_executor::{SpawnToken, Spawner};
use embassy_net::{Runner, Stack};
use livesky_stb_settings::Settings;

use board::{Board, Net, Seed, SeedSource, Status, Watchdog};

/// What the board calls once its hardware stands; the executor runs when it returns.
fn start(spawner: Spawner, board: Board) {
    let Board { net, watchdog, seed, config } = board;
    defmt::info!("LiveSky set-top box {=str}", env!("CARGO_PKG_VERSION"));
    if seed.source == SeedSource::Counter {
        defmt::warn!("no random number generator: others could guess what this box draws");
    }
    let Some(settings) = settings::read(&config) else {
        board::exit(Status::NoSettings);
    };
    let settings: &'static Settings = resources::SETTINGS.init(settings);
    let network = settings::network(&settings.network);
    let (stack, runner) = embassy_net::new(net, network, resources::STACK.take(), seed.network);
    spawn(&spawner, run_network(runner));
    spawn(&spawner, watch(stack, settings, seed, watchdog));
}

fn spawn<S, E>(spawner: &Spawner, task: Result<SpawnToken<S>, E>) {
    match task {
        Ok(task) => spawner.spawn(task),
        // Each task is spawned once and has its place.
        Err(_) => board::exit(Status::Panic),
    }
}

#[embassy_executor::task]
async fn run_network(mut runner: Runner<'static, Net>) -> ! {
    runner.run().await
}

#[embassy_executor::task]
async fn watch(stack: Stack<'static>, settings: &'static Settings, seed: Seed, mut watchdog: Watchdog) {
    #[cfg(feature = "drill")]
    let mut remote = {
        drill::perform(settings.channel.as_str(), &mut watchdog);
        if settings.channel.as_str() == "drill-echo" {
            board::exit(drill::answer(stack, settings, &mut watchdog).await)
        }
        drill::Buttons::new(stack)
    };
    #[cfg(not(feature = "drill"))]
    let mut remote = livesky_embedded::NoRemote;
    let status = viewer::watch(stack, settings, &seed, &mut watchdog, &mut remote).await;
    board::exit(status)
}
