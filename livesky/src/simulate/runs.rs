//! Runs on all cores.

use core::num::NonZero;
use core::sync::atomic::{AtomicUsize, Ordering};
use core::time::Duration;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;

use livesky_sim::{Progress, Results};

use super::screen::Screen;

/// How often the screen is drawn when nothing ends.
const DRAW_EVERY: Duration = Duration::from_millis(200);

/// What a thread tells.
enum News {
    /// How far the run in this place is.
    Progress(usize, Progress),
    /// The run in this place is over.
    Done(usize, Box<Results>),
}

/// Runs each of `jobs`, as many at a time as there are cores; the results are in the order of the jobs.
pub fn run_all<J: Sync>(
    jobs: &[J],
    run: impl Fn(&J, &mut dyn FnMut(Progress)) -> Results + Sync,
    screen: &mut Screen,
) -> Vec<Results> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicUsize::new(0);
    let (sender, news) = channel();
    let mut results: Vec<Option<Results>> = jobs.iter().map(|_| None).collect();
    thread::scope(|scope| {
        for _ in 0..cores.min(jobs.len()) {
            let (sender, next, run) = (sender.clone(), &next, &run);
            scope.spawn(move || work(jobs, next, run, &sender));
        }
        drop(sender);
        loop {
            match news.recv_timeout(DRAW_EVERY) {
                Ok(News::Progress(place, progress)) => screen.on_progress(place, progress),
                Ok(News::Done(place, done)) => {
                    screen.on_done(place, &done);
                    if let Some(result) = results.get_mut(place) {
                        *result = Some(*done);
                    }
                }
                Err(RecvTimeoutError::Timeout) => screen.draw(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
    });
    screen.end();
    results.into_iter().flatten().collect()
}

/// Takes jobs until there are none.
fn work<J>(
    jobs: &[J],
    next: &AtomicUsize,
    run: &impl Fn(&J, &mut dyn FnMut(Progress)) -> Results,
    sender: &Sender<News>,
) {
    loop {
        let place = next.fetch_add(1, Ordering::Relaxed);
        let Some(job) = jobs.get(place) else { return };
        // Nobody listening is no reason to stop: the results are asked for by joining.
        let results = run(job, &mut |progress| drop(sender.send(News::Progress(place, progress))));
        drop(sender.send(News::Done(place, Box::new(results))));
    }
}
