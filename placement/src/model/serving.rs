use std::collections::{BTreeMap, BTreeSet};

/// Who may serve whom. Without a rule everybody may serve everybody.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServingRules {
    /// For each provider of a site, the providers whose viewers it may serve.
    pub by_isp: Option<BTreeMap<String, BTreeSet<String>>>,
    /// For each jurisdiction of a site, those whose viewers it may serve.
    pub by_jurisdiction: Option<BTreeMap<String, BTreeSet<String>>>,
}

impl ServingRules {
    /// Whether a site with these labels may serve viewers with those. With a rule in force, an end without a label may not.
    #[must_use]
    pub fn may_serve(&self, site: Labels<'_>, viewers: Labels<'_>) -> bool {
        allows(self.by_isp.as_ref(), site.isp, viewers.isp)
            && allows(self.by_jurisdiction.as_ref(), site.jurisdiction, viewers.jurisdiction)
    }
}

/// What a site or a region says of itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Labels<'a> {
    /// Its provider.
    pub isp: Option<&'a str>,
    /// Its country or law.
    pub jurisdiction: Option<&'a str>,
}

fn allows(
    rule: Option<&BTreeMap<String, BTreeSet<String>>>,
    site: Option<&str>,
    viewers: Option<&str>,
) -> bool {
    let Some(rule) = rule else { return true };
    let (Some(site), Some(viewers)) = (site, viewers) else { return false };
    rule.get(site).is_some_and(|served| served.contains(viewers))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_binds_who_it_names_and_shuts_out_who_it_does_not() {
        let served = BTreeSet::from(["north".to_owned(), "south".to_owned()]);
        let rule = BTreeMap::from([("north".to_owned(), served)]);
        let rules = ServingRules { by_isp: Some(rule), by_jurisdiction: None };
        let isp = |isp| Labels { isp, jurisdiction: None };
        let cases = [
            (Some("north"), Some("south"), true),
            (Some("south"), Some("south"), false),
            (Some("north"), Some("west"), false),
            (None, Some("south"), false),
            (Some("north"), None, false),
        ];
        for (site, viewers, may) in cases {
            assert_eq!(rules.may_serve(isp(site), isp(viewers)), may, "{site:?} {viewers:?}");
            assert!(ServingRules::default().may_serve(isp(site), isp(viewers)));
        }
    }
}
