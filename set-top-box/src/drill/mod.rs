//! What only tests want: ways to fail on purpose, an echo in the viewer's place, a remote control.

mod buttons;
mod echo;
mod failures;

pub(crate) use buttons::Buttons;
pub(crate) use echo::answer;
pub(crate) use failures::perform;
