//! Where the property tests of this folder keep the seeds of past failures.

use std::boxed::Box;

use proptest::test_runner::{Config, FileFailurePersistence};

/// How they run.
pub(super) fn proptest_config() -> Config {
    let regressions = FileFailurePersistence::Direct("../proptest-regressions/core_store.txt");
    Config { failure_persistence: Some(Box::new(regressions)), ..Config::default() }
}
