use std::path::Path;

use crate::input::{InputError, parse};
use crate::model::Problem;

/// The paper's twenty regions with stated costs and delays: `placement/data/china-2009.toml`, built in.
///
/// # Errors
/// None, unless the file built in is broken.
pub fn paper_problem() -> Result<Problem, InputError> {
    parse(include_str!("../../data/china-2009.toml"), "china-2009.toml", Path::new(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_has_twenty_regions_in_its_order() {
        let problem = paper_problem().unwrap();
        assert_eq!(problem.regions.len(), 20);
        assert_eq!(problem.sites.len(), 20);
        assert_eq!(problem.sites[4].name, "GD");
        let users: f64 = problem.regions.iter().map(|region| region.viewers).sum();
        // Table II, added up.
        assert!((users - 116_060.0).abs() < 1.0, "{users}");
    }
}
