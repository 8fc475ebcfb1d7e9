use std::collections::BTreeMap;

use super::channel::{Audience, Channel};
use super::customers::Customer;
use super::error::ProblemError;
use super::objective::Objective;
use super::problem::Problem;
use super::region::Region;
use super::scenario::Scenario;
use super::site::Site;
use crate::solve::Standing;

type Checked = Result<(), ProblemError>;

impl Problem {
    /// Whether every value is in its bounds, everybody can be reached, and there is room for all.
    ///
    /// # Errors
    /// [`ProblemError`]: the first thing that is wrong, and where.
    pub fn check(&self) -> Checked {
        self.check_lists()?;
        self.regions.iter().enumerate().try_for_each(|(index, region)| check_region(index, region))?;
        self.sites.iter().enumerate().try_for_each(|(index, site)| self.check_site(index, site))?;
        self.channels
            .iter()
            .enumerate()
            .try_for_each(|(index, channel)| self.check_channel(index, channel))?;
        self.check_delays()?;
        self.check_objective()?;
        self.check_serving()?;
        self.check_limits()?;
        let scenarios = self.scenarios.iter().enumerate();
        scenarios.into_iter().try_for_each(|(index, scenario)| self.check_scenario(index, scenario))?;
        let customers = self.customers();
        if customers.is_empty() {
            return Err(ProblemError::invalid(
                "regions",
                "have no viewers at all",
                "give at least one region viewers",
            ));
        }
        self.state_names().enumerate().try_for_each(|(state, name)| {
            self.check_reach(state, name, &customers)?;
            self.check_room(state, name, &customers)
        })
    }

    fn check_lists(&self) -> Checked {
        let lists = [
            ("regions", self.regions.is_empty()),
            ("sites", self.sites.is_empty()),
            ("channels", self.channels.is_empty()),
        ];
        if let Some((field, _)) = lists.iter().find(|(_, is_empty)| *is_empty) {
            return Err(ProblemError::invalid(*field, "is empty", "name at least one"));
        }
        check_names("regions", self.regions.iter().map(|region| region.name.as_str()))?;
        check_names("sites", self.sites.iter().map(|site| site.name.as_str()))?;
        check_names("channels", self.channels.iter().map(|channel| channel.name.as_str()))?;
        check_names("scenarios", self.scenarios.iter().map(|scenario| scenario.name.as_str()))
    }

    fn check_site(&self, index: usize, site: &Site) -> Checked {
        let field = |name: &str| format!("sites[{index}].{name}");
        if site.region >= self.regions.len() {
            return Err(ProblemError::invalid(field("region"), "is no region", "name one of the regions"));
        }
        positive(field("cost-per-mbps-month"), site.cost_per_mbps_month)?;
        not_negative(field("opening-cost-per-month"), site.opening_cost_per_month)?;
        bound(field("size-max-bps"), site.size_max_bps)?;
        not_negative(field("size-min-bps"), site.size_min_bps)?;
        if site.size_min_bps > site.size_max_bps {
            let problem = format!("is {} and above size-max-bps, {}", site.size_min_bps, site.size_max_bps);
            return Err(ProblemError::invalid(
                field("size-min-bps"),
                problem,
                "lower it, or raise the other",
            ));
        }
        Ok(())
    }

    fn check_channel(&self, index: usize, channel: &Channel) -> Checked {
        let field = |name: &str| format!("channels[{index}].{name}");
        positive(field("rate-bps"), channel.rate_bps)?;
        match &channel.audience {
            Audience::Share(share) => within(field("share"), *share, 0.0, 1.0, "a share is 0 to 1"),
            Audience::Viewers(viewers) if viewers.len() != self.regions.len() => {
                let problem = format!("has {} numbers for {} regions", viewers.len(), self.regions.len());
                Err(ProblemError::invalid(field("viewers"), problem, "give one number for each region"))
            }
            Audience::Viewers(viewers) => viewers.iter().enumerate().try_for_each(|(region, viewers)| {
                not_negative(format!("{}[{region}]", field("viewers")), *viewers)
            }),
        }
    }

    fn check_delays(&self) -> Checked {
        if self.delays.regions() != self.regions.len() {
            let problem = format!("has {} rows for {} regions", self.delays.regions(), self.regions.len());
            return Err(ProblemError::invalid("delays.rtt-ms", problem, "give one row for each region"));
        }
        not_negative("delays.k1", self.delay_model.k1)?;
        not_negative("delays.k2", self.delay_model.k2)?;
        bound("delays.threshold-ms", self.delay_model.threshold_ms)?;
        if let Some(unit_ms) = self.delay_unit_ms {
            positive("delays.unit-ms", unit_ms)?;
        }
        for from in 0..self.regions.len() {
            for to in 0..self.regions.len() {
                let rtt_ms = self.delays.rtt_ms(from, to);
                // NaN is not above 0 either.
                if rtt_ms >= 0.0 && (rtt_ms.is_finite() || from != to) {
                    continue;
                }
                let advice = "it must be 0 or more; only between two regions infinite, for no way at all";
                let field = format!("delays.rtt-ms[{from}][{to}]");
                return Err(ProblemError::invalid(field, format!("is {rtt_ms}"), advice));
            }
        }
        Ok(())
    }

    fn check_objective(&self) -> Checked {
        match self.objective {
            Objective::Mtcm { exponent } => {
                not_negative("objective.exponent", exponent)?;
                if exponent == 0.0 { Ok(()) } else { self.check_no_delay_is_zero() }
            }
            Objective::Mpcm | Objective::Mccm => Ok(()),
            Objective::Ltcm { placement_weight, connection_weight } => {
                not_negative("objective.placement-weight", placement_weight)?;
                not_negative("objective.connection-weight", connection_weight)
            }
        }
    }

    /// A delay of 0 makes (12) 0 whatever it costs.
    fn check_no_delay_is_zero(&self) -> Checked {
        for site in 0..self.sites.len() {
            for (index, region) in self.regions.iter().enumerate() {
                if self.delay_ms(site, index) <= 0.0 {
                    let from = self.sites.get(site).map_or(0, |site| site.region);
                    let problem = format!(
                        "makes the delay to {} 0, and MTCM's product 0 whatever a site costs",
                        region.name
                    );
                    let field = format!("delays.rtt-ms[{from}][{index}]");
                    let advice = "give the delay within the region, about 10 to 30 ms, or use another model";
                    return Err(ProblemError::invalid(field, problem, advice));
                }
            }
        }
        Ok(())
    }

    fn check_serving(&self) -> Checked {
        let rules = [("isp", &self.serving.by_isp), ("jurisdiction", &self.serving.by_jurisdiction)];
        for (label, rule) in rules {
            let Some(rule) = rule else { continue };
            for (index, site) in self.sites.iter().enumerate() {
                let labels = self.site_labels(index);
                let own = if label == "isp" { labels.isp } else { labels.jurisdiction };
                let Some(own) = own else {
                    let problem =
                        format!("is missing, but serving.{label} rules who {} may serve", site.name);
                    return Err(ProblemError::invalid(
                        format!("sites[{index}].{label}"),
                        problem,
                        "give the site or its region one",
                    ));
                };
                if !rule.contains_key(own) {
                    let problem = format!("does not say whom {own}, of site {}, may serve", site.name);
                    let advice = "add a line for it; an empty list is nobody";
                    return Err(ProblemError::invalid(format!("serving.{label}"), problem, advice));
                }
            }
        }
        Ok(())
    }

    fn check_limits(&self) -> Checked {
        let limits = &self.limits;
        bound("limits.budget-bps", limits.budget_bps)?;
        not_negative("limits.normal-weight", self.normal_weight)?;
        let weights = self.normal_weight + self.scenarios.iter().map(|scenario| scenario.weight).sum::<f64>();
        if weights <= 0.0 {
            let problem = "is 0, and so is every scenario's weight";
            return Err(ProblemError::invalid(
                "limits.normal-weight",
                problem,
                "one state at least must count",
            ));
        }
        if limits.open_min > limits.open_max {
            let problem = format!("is {} and above open-max, {}", limits.open_min, limits.open_max);
            return Err(ProblemError::invalid("limits.open-min", problem, "lower it, or raise the other"));
        }
        let count = |standing| self.sites.iter().filter(|site| site.standing == standing).count();
        let usable = self.sites.len() - count(Standing::Forbidden);
        if limits.open_min > usable {
            let problem = format!("is {}, but {usable} sites may be used", limits.open_min);
            return Err(ProblemError::invalid("limits.open-min", problem, "lower it, or add sites"));
        }
        let built = count(Standing::Built);
        if limits.open_max < built.max(1) {
            let problem = format!("is {}, but {} must be open", limits.open_max, built.max(1));
            return Err(ProblemError::invalid("limits.open-max", problem, "raise it"));
        }
        if limits.survives_loss && (limits.open_max < 2 || usable < 2) {
            let problem = "asks for a plan that outlives a site, but only one may be open";
            return Err(ProblemError::invalid("limits.survives-loss", problem, "allow at least two sites"));
        }
        Ok(())
    }

    fn check_scenario(&self, index: usize, scenario: &Scenario) -> Checked {
        let field = |name: &str| format!("scenarios[{index}].{name}");
        if scenario.name == Scenario::NORMAL {
            let advice = "every problem has a state of that name: choose another";
            return Err(ProblemError::invalid(field("name"), "is \"normal\"", advice));
        }
        not_negative(field("weight"), scenario.weight)?;
        not_negative(field("viewers-factor"), scenario.viewers_factor)?;
        not_negative(field("rho-factor"), scenario.rho_factor)?;
        for (region, factor) in &scenario.region_viewers_factors {
            self.check_index("region", *region, self.regions.len(), field("region-viewers-factors"))?;
            not_negative(format!("{}.{}", field("region-viewers-factors"), self.name_of(*region)), *factor)?;
        }
        for (region, _) in &scenario.region_rhos {
            self.check_index("region", *region, self.regions.len(), field("region-rhos"))?;
        }
        for site in &scenario.lost_sites {
            self.check_index("site", *site, self.sites.len(), field("lost-sites"))?;
        }
        self.regions.iter().enumerate().try_for_each(|(index, region)| {
            let rho = scenario.rho_of(index, region.rho);
            let is_own = scenario.region_rhos.iter().any(|(of, _)| *of == index);
            let name = if is_own { "region-rhos" } else { "rho-factor" };
            check_rho(field(name), rho, &region.name)
        })
    }

    fn check_index(&self, kind: &str, index: usize, count: usize, field: String) -> Checked {
        if index < count {
            return Ok(());
        }
        Err(ProblemError::invalid(field, format!("names {kind} {index} of {count}"), "name one there is"))
    }

    fn name_of(&self, region: usize) -> &str {
        self.regions.get(region).map_or("", |region| region.name.as_str())
    }

    fn check_reach(&self, state: usize, name: &str, customers: &[Customer]) -> Checked {
        let lost = self.scenario_of(state).map_or(&[][..], |scenario| &scenario.lost_sites);
        let usable = |site: &usize| !lost.contains(site) && !self.is_forbidden(*site);
        for customer in customers {
            let reaches = |site: usize| self.delay_ms(site, customer.region).is_finite();
            if (0..self.sites.len()).filter(usable).any(reaches) {
                continue;
            }
            return Err(ProblemError::Unreachable {
                field: format!("regions[{}]", customer.region),
                region: self.name_of(customer.region).to_owned(),
                state: name.to_owned(),
                why: self.why_unreachable(customer.region, usable),
            });
        }
        Ok(())
    }

    fn is_forbidden(&self, site: usize) -> bool {
        self.sites.get(site).is_some_and(|site| site.standing == Standing::Forbidden)
    }

    fn why_unreachable(&self, region: usize, usable: impl Fn(&usize) -> bool) -> String {
        let sites = (0..self.sites.len()).filter(usable);
        let far = |site: usize| (site, self.delay_regardless_ms(site, region));
        let nearest = sites.map(far).min_by(|(_, one), (_, other)| one.total_cmp(other));
        let Some((site, delay_ms)) = nearest else {
            return "no site may be used: add one, or free one that is forbidden or lost".to_owned();
        };
        let site_name = self.sites.get(site).map_or("", |site| site.name.as_str());
        if !delay_ms.is_finite() {
            return "the delay matrix has no way there".to_owned();
        }
        let threshold_ms = self.delay_model.threshold_ms;
        if delay_ms > threshold_ms {
            return format!(
                "the nearest, {site_name}, is {delay_ms:.1} ms away, and delays.threshold-ms is {threshold_ms}"
            );
        }
        "those near enough may not serve it: see serving".to_owned()
    }

    fn delay_regardless_ms(&self, site: usize, region: usize) -> f64 {
        let Some(site) = self.sites.get(site) else { return f64::INFINITY };
        let model = super::delay::DelayModel { threshold_ms: f64::INFINITY, ..self.delay_model };
        model.delay_ms(self.delays.rtt_ms(site.region, region), self.delays.rtt_ms(region, region))
    }

    fn check_room(&self, state: usize, name: &str, customers: &[Customer]) -> Checked {
        let lost = self.scenario_of(state).map_or(&[][..], |scenario| &scenario.lost_sites);
        let usable = self.sites.iter().enumerate();
        let usable =
            usable.filter(|(index, site)| !lost.contains(index) && site.standing != Standing::Forbidden);
        let sizes_bps: f64 = usable.map(|(_, site)| site.size_max_bps).sum();
        let demand_bps = customers.iter().map(|customer| self.size_demand_bps(state, customer)).sum();
        let short = |field: &str, available_bps: f64| {
            let error = ProblemError::Short {
                field: field.to_owned(),
                state: name.to_owned(),
                available_bps,
                demand_bps,
            };
            // A sum of so many terms is only so exact.
            if available_bps < demand_bps * (1.0 - 1e-12) { Err(error) } else { Ok(()) }
        };
        short("limits.budget-bps", self.limits.budget_bps)?;
        short("sites", sizes_bps)
    }
}

fn check_region(index: usize, region: &Region) -> Checked {
    let field = |name: &str| format!("regions[{index}].{name}");
    not_negative(field("viewers"), region.viewers)?;
    check_rho(field("rho"), region.rho, &region.name)?;
    let Some(place) = region.coordinates else { return Ok(()) };
    within(field("latitude-deg"), place.latitude_deg, -90.0, 90.0, "latitudes are −90 to 90")?;
    within(field("longitude-deg"), place.longitude_deg, -180.0, 180.0, "longitudes are −180 to 180")
}

fn check_rho(field: String, rho: f64, region: &str) -> Checked {
    if (0.0..1.0).contains(&rho) {
        return Ok(());
    }
    let problem = format!("makes what peers contribute in {region} {rho}");
    Err(ProblemError::invalid(field, problem, "it is 0 to below 1; with 1 there is nothing to place"))
}

pub(crate) fn check_names<'a>(list: &str, names: impl Iterator<Item = &'a str>) -> Checked {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, name) in names.enumerate() {
        let field = format!("{list}[{index}].name");
        if name.is_empty() {
            return Err(ProblemError::invalid(field, "is empty", "give it a name"));
        }
        if let Some(first) = seen.insert(name, index) {
            let problem = format!("is \"{name}\", as that of {list}[{first}]");
            return Err(ProblemError::invalid(field, problem, "names must differ"));
        }
    }
    Ok(())
}

fn within(field: impl Into<String>, value: f64, least: f64, most: f64, advice: &str) -> Checked {
    // NaN is in no range.
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(ProblemError::invalid(field, format!("is {value}"), advice))
}

fn not_negative(field: impl Into<String>, value: f64) -> Checked {
    within(field, value, 0.0, f64::MAX, "it must be a number, 0 or more")
}

/// Infinite says that there is no bound.
fn bound(field: impl Into<String>, value: f64) -> Checked {
    within(field, value, 0.0, f64::INFINITY, "it must be 0 or more; leave it out for no limit")
}

fn positive(field: impl Into<String>, value: f64) -> Checked {
    within(field, value, f64::MIN_POSITIVE, f64::MAX, "it must be a number above 0")
}
