use std::collections::BTreeMap;
use std::path::Path;

use super::contribution::read_contribution;
use super::error::{InputError, Place};
use super::locate::line_of;
use super::origin::{Origin, Origins};
use super::rows::{
    AssignmentName, ChannelRow, DemandName, ModelName, ObjectiveRow, ProblemFile, RegionRow, ScenarioRow,
    SiteRow, StandingName, ViewersRow,
};
use super::tables;
use crate::model::{
    Assignment, Audience, Channel, Coordinates, DelayModel, DemandRule, Limits, Objective, Problem,
    ProblemError, Region, Scenario, ServingRules, Site, check_names,
};
use crate::solve::Standing;

/// R where no channel is given.
const RATE_BPS: f64 = 1e6;

/// Makes a problem of what stands in files.
pub(super) struct Builder<'a> {
    pub(super) rows: ProblemFile,
    /// The problem file's text, to find lines in.
    pub(super) text: &'a str,
    /// Its name, for messages.
    pub(super) file: &'a str,
    /// Where its tables are.
    pub(super) folder: &'a Path,
    /// Of the problem, when it has none.
    pub(super) default_name: String,
}

type Built<T> = Result<T, ProblemError>;

impl Builder<'_> {
    pub(super) fn problem(mut self) -> Result<Problem, InputError> {
        let mut origins = Origins { is_open_exact: self.rows.limits.open.is_some(), ..Origins::default() };
        let regions = self.region_rows(&mut origins)?;
        let sites = self.site_rows(&regions, &mut origins)?;
        let names: Vec<String> = regions.iter().map(|region| region.name.clone()).collect();
        // Before anything is looked up by its name.
        check_names("regions", names.iter().map(String::as_str))
            .map_err(|error| origins.place(error, self.text, self.file))?;
        let delays = self.delays(&regions, &mut origins)?;
        let site = |(index, row): (usize, &SiteRow)| site(index, row, &names);
        let sites = sites.iter().enumerate().map(site).collect::<Built<Vec<Site>>>();
        let sites = sites.map_err(|error| origins.place(error, self.text, self.file))?;
        let rest = self.rest(&names, &sites).map_err(|error| self.written(error))?;
        let mut problem = Problem { regions: regions.iter().map(region).collect(), sites, delays, ..rest };
        self.contribution(&regions, &mut problem)?;
        problem.check().map_err(|error| origins.place(error, self.text, self.file))?;
        Ok(problem)
    }

    /// An error whose field is already as it was written.
    fn written(&self, error: ProblemError) -> InputError {
        let place = Place::new(self.file, line_of(self.text, error.field()));
        InputError::Problem { place, error: Box::new(error) }
    }

    fn region_rows(&mut self, origins: &mut Origins) -> Result<Vec<RegionRow>, InputError> {
        let rows = core::mem::take(&mut self.rows.regions);
        let Some(name) = &self.rows.files.regions else {
            origins.regions = keys("regions", rows.len());
            return Ok(rows);
        };
        if !rows.is_empty() {
            let error =
                ProblemError::invalid("files.regions", "is given beside [[regions]]", "leave one out");
            return Err(self.written(error));
        }
        let path = self.folder.join(name);
        let mut regions = Vec::new();
        for (line, row) in tables::rows::<RegionRow>(&path)? {
            regions.push(row);
            origins.regions.push(Origin::Row { file: path.display().to_string(), line });
        }
        Ok(regions)
    }

    /// Sites stand in their regions, in a list, or in a table; where there are none at all each region has one.
    fn site_rows(
        &mut self,
        regions: &[RegionRow],
        origins: &mut Origins,
    ) -> Result<Vec<SiteRow>, InputError> {
        let mut sites = Vec::new();
        for (region, row) in regions.iter().enumerate() {
            if let Some(site) = &row.site {
                let name = Some(site.name.clone().unwrap_or_else(|| row.name.clone()));
                sites.push(SiteRow { name, region: Some(row.name.clone()), ..site.clone() });
                origins.sites.push(Origin::Key(format!("regions[{region}].site")));
            }
        }
        let listed = core::mem::take(&mut self.rows.sites);
        origins.sites.extend(keys("sites", listed.len()));
        sites.extend(listed);
        if let Some(name) = &self.rows.files.sites {
            let path = self.folder.join(name);
            for (line, row) in tables::rows::<SiteRow>(&path)? {
                sites.push(row);
                origins.sites.push(Origin::Row { file: path.display().to_string(), line });
            }
        }
        if sites.is_empty() {
            let site = |row: &RegionRow| SiteRow { name: Some(row.name.clone()), ..SiteRow::default() };
            sites = regions.iter().map(site).collect();
            origins.sites = origins.regions.clone();
        }
        Ok(sites)
    }

    fn delays(
        &mut self,
        regions: &[RegionRow],
        origins: &mut Origins,
    ) -> Result<crate::model::Delays, InputError> {
        let intra_ms: Vec<f64> = regions.iter().map(|row| self.rows.delays.intra_ms(row)).collect();
        let intra =
            regions.iter().zip(&origins.regions).map(|(row, origin)| match (row.intra_rtt_ms, origin) {
                (Some(_), Origin::Key(key)) => Origin::Key(format!("{key}.intra-rtt-ms")),
                (Some(_), Origin::Row { .. }) => origin.clone(),
                (None, _) => Origin::Key("delays.intra-rtt-ms".to_owned()),
            });
        origins.intra = intra.collect();
        let given = match &self.rows.files.delays {
            Some(name) if self.rows.delays.rtt_ms.is_none() => {
                let path = self.folder.join(name);
                let names: Vec<&str> = regions.iter().map(|row| row.name.as_str()).collect();
                let table = tables::delays(&path, &names)?;
                let file = path.display().to_string();
                origins.delays =
                    table.lines.iter().map(|line| Origin::Row { file: file.clone(), line: *line }).collect();
                table.rtt_ms
            }
            Some(_) => {
                let error =
                    ProblemError::invalid("files.delays", "is given beside delays.rtt-ms", "leave one out");
                return Err(self.written(error));
            }
            None => self.matrix(regions.len(), origins).map_err(|error| self.written(error))?,
        };
        let complete = tables::complete(regions, &given, &intra_ms, self.rows.delays.route_factor());
        complete.map_err(|error| origins.place(error, self.text, self.file))
    }

    /// The matrix in the problem file, if there is one.
    fn matrix(&self, regions: usize, origins: &mut Origins) -> Built<Vec<Vec<Option<f64>>>> {
        let factor = self.rows.delays.route_factor();
        if !(1.0..f64::INFINITY).contains(&factor) {
            let advice = "cables are at least as long as the great circle: 1 or more";
            return Err(ProblemError::invalid("delays.route-factor", format!("is {factor}"), advice));
        }
        let Some(rows) = &self.rows.delays.rtt_ms else { return Ok(vec![vec![None; regions]; regions]) };
        let square = |field: String, count: usize, what: &str| {
            let problem = format!("has {count} {what} for {regions} regions");
            if count == regions {
                return Ok(());
            }
            Err(ProblemError::invalid(field, problem, "the matrix is square, in the order of the regions"))
        };
        square("delays.rtt-ms".to_owned(), rows.len(), "rows")?;
        for (index, row) in rows.iter().enumerate() {
            square(format!("delays.rtt-ms[{index}]"), row.len(), "numbers")?;
        }
        origins.delays = (0..regions).map(|row| Origin::Key(format!("delays.rtt-ms[{row}]"))).collect();
        Ok(rows.iter().map(|row| row.iter().copied().map(Some).collect()).collect())
    }

    fn contribution(&self, regions: &[RegionRow], problem: &mut Problem) -> Result<(), InputError> {
        let Some(name) = &self.rows.files.contribution else { return Ok(()) };
        let contribution = read_contribution(&self.folder.join(name))?;
        let given: BTreeMap<&str, f64> =
            regions.iter().filter_map(|row| row.rho.map(|rho| (row.name.as_str(), rho))).collect();
        let unknown = contribution.apply(problem);
        // A ρ that the problem gives itself is meant.
        for region in &mut problem.regions {
            region.rho = given.get(region.name.as_str()).copied().unwrap_or(region.rho);
        }
        match unknown.iter().find(|name| !given.contains_key(name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let problem = format!("names {}, which says nothing of region {name}", contribution.file);
                let advice = "give that region its rho here, or use the same names";
                Err(self.written(ProblemError::invalid("files.contribution", problem, advice)))
            }
        }
    }

    /// All but regions, sites and delays.
    fn rest(&self, regions: &[String], sites: &[Site]) -> Built<Problem> {
        let rows = &self.rows;
        let channels = if rows.channels.is_empty() {
            let audience = Audience::Share(1.0);
            vec![Channel { name: "live".to_owned(), rate_bps: RATE_BPS, audience }]
        } else {
            let channels = rows.channels.iter().enumerate();
            channels.map(|(index, row)| channel(index, row, regions)).collect::<Built<_>>()?
        };
        let scenarios = rows.scenarios.iter().enumerate();
        Ok(Problem {
            name: if rows.name.is_empty() { self.default_name.clone() } else { rows.name.clone() },
            about: rows.about.clone(),
            currency: if rows.currency.is_empty() { "EUR".to_owned() } else { rows.currency.clone() },
            regions: Vec::new(),
            sites: Vec::new(),
            channels,
            delays: crate::model::Delays::default(),
            delay_model: DelayModel {
                k1: rows.delays.k1.unwrap_or(1.0),
                k2: rows.delays.k2.unwrap_or(0.0),
                threshold_ms: rows.delays.threshold_ms.unwrap_or(f64::INFINITY),
            },
            delay_unit_ms: rows.delays.unit_ms,
            serving: ServingRules {
                by_isp: rows.serving.isp.clone(),
                by_jurisdiction: rows.serving.jurisdiction.clone(),
            },
            objective: objective(&rows.objective)?,
            demand_rule: match rows.limits.demand {
                DemandName::Servers => DemandRule::Servers,
                DemandName::Full => DemandRule::Full,
            },
            limits: self.limits()?,
            normal_weight: rows.limits.normal_weight.unwrap_or(1.0),
            scenarios: scenarios
                .map(|(index, row)| scenario(index, row, regions, sites))
                .collect::<Built<_>>()?,
        })
    }

    fn limits(&self) -> Built<Limits> {
        let rows = &self.rows.limits;
        if rows.open.is_some() && (rows.open_min.is_some() || rows.open_max.is_some()) {
            let problem = "is given beside open-min or open-max";
            return Err(ProblemError::invalid(
                "limits.open",
                problem,
                "it is both of them: leave it or them out",
            ));
        }
        Ok(Limits {
            budget_bps: rows.budget_bps.unwrap_or(f64::INFINITY),
            open_min: rows.open.or(rows.open_min).unwrap_or(0),
            open_max: rows.open.or(rows.open_max).unwrap_or(usize::MAX),
            assignment: match rows.assignment {
                AssignmentName::Shares => Assignment::Shares,
                AssignmentName::Whole => Assignment::Whole,
            },
            survives_loss: rows.survives_loss,
        })
    }
}

fn keys(list: &str, count: usize) -> Vec<Origin> {
    (0..count).map(|index| Origin::Key(format!("{list}[{index}]"))).collect()
}

fn objective(row: &ObjectiveRow) -> Built<Objective> {
    let Objective::Mtcm { exponent } = Objective::MTCM else { return Ok(Objective::MTCM) };
    let unused = |field: &str, model: &str| {
        let problem = format!("is given, but {model} has none");
        Err(ProblemError::invalid(
            format!("objective.{field}"),
            problem,
            "leave it out, or name another model",
        ))
    };
    let weights = [("placement-weight", row.placement_weight), ("connection-weight", row.connection_weight)];
    let weight = weights.iter().find(|(_, weight)| weight.is_some());
    match (row.model, row.exponent, weight) {
        (ModelName::Mtcm, given, None) => Ok(Objective::Mtcm { exponent: given.unwrap_or(exponent) }),
        (ModelName::Mpcm, None, None) => Ok(Objective::Mpcm),
        (ModelName::Mccm, None, None) => Ok(Objective::Mccm),
        (ModelName::Ltcm, None, _) => Ok(Objective::Ltcm {
            placement_weight: row.placement_weight.unwrap_or(0.7),
            connection_weight: row.connection_weight.unwrap_or(0.3),
        }),
        (ModelName::Mtcm, _, Some((field, _))) => unused(field, "MTCM"),
        (ModelName::Mpcm, _, Some((field, _))) => unused(field, "MPCM"),
        (ModelName::Mccm, _, Some((field, _))) => unused(field, "MCCM"),
        (ModelName::Mpcm, Some(_), None) => unused("exponent", "MPCM"),
        (ModelName::Mccm, Some(_), None) => unused("exponent", "MCCM"),
        (ModelName::Ltcm, Some(_), _) => unused("exponent", "LTCM"),
    }
}

fn region(row: &RegionRow) -> Region {
    Region {
        name: row.name.clone(),
        coordinates: row
            .latitude_deg
            .zip(row.longitude_deg)
            .map(|(latitude_deg, longitude_deg)| Coordinates { latitude_deg, longitude_deg }),
        viewers: row.viewers.unwrap_or(f64::NAN),
        rho: row.rho.unwrap_or(0.0),
        isp: row.isp.clone(),
        jurisdiction: row.jurisdiction.clone(),
    }
}

fn site(index: usize, row: &SiteRow, regions: &[String]) -> Built<Site> {
    let field = |name: &str| format!("sites[{index}].{name}");
    let missing =
        |name: &str| ProblemError::invalid(field(name), "is missing", "give the site a name or a region");
    let named = row.region.as_ref().or(row.name.as_ref()).ok_or_else(|| missing("name"))?;
    let region =
        find(named, regions, "region", || field(if row.region.is_some() { "region" } else { "name" }))?;
    let default = Site::default();
    Ok(Site {
        name: row.name.clone().unwrap_or_else(|| named.clone()),
        region,
        cost_per_mbps_month: row.cost_per_mbps_month.unwrap_or(default.cost_per_mbps_month),
        cost_class: row.cost_class.clone(),
        opening_cost_per_month: row.opening_cost_per_month.unwrap_or(default.opening_cost_per_month),
        size_max_bps: row.size_max_bps.unwrap_or(default.size_max_bps),
        size_min_bps: row.size_min_bps.unwrap_or(default.size_min_bps),
        standing: match row.standing.unwrap_or_default() {
            StandingName::Free => Standing::Free,
            StandingName::Built => Standing::Built,
            StandingName::Forbidden => Standing::Forbidden,
        },
        isp: row.isp.clone(),
        jurisdiction: row.jurisdiction.clone(),
    })
}

fn find(name: &str, names: &[String], kind: &str, field: impl Fn() -> String) -> Built<usize> {
    let found = names.iter().position(|known| known == name);
    found.ok_or_else(|| {
        ProblemError::invalid(
            field(),
            format!("names {kind} {name}, and there is none"),
            "use a name as it is listed",
        )
    })
}

fn channel(index: usize, row: &ChannelRow, regions: &[String]) -> Built<Channel> {
    let field = |name: &str| format!("channels[{index}].{name}");
    let audience = match (&row.viewers, row.share) {
        (Some(_), Some(_)) => {
            return Err(ProblemError::invalid(field("share"), "is given beside viewers", "leave one out"));
        }
        (None, share) => Audience::Share(share.unwrap_or(1.0)),
        (Some(ViewersRow::InOrder(viewers)), None) => Audience::Viewers(viewers.clone()),
        (Some(ViewersRow::ByName(by_name)), None) => {
            let mut viewers = vec![0.0; regions.len()];
            for (name, count) in by_name {
                let region = find(name, regions, "region", || field("viewers"))?;
                if let Some(viewers) = viewers.get_mut(region) {
                    *viewers = *count;
                }
            }
            Audience::Viewers(viewers)
        }
    };
    Ok(Channel { name: row.name.clone(), rate_bps: row.rate_bps.unwrap_or(RATE_BPS), audience })
}

fn scenario(index: usize, row: &ScenarioRow, regions: &[String], sites: &[Site]) -> Built<Scenario> {
    let field = |name: &str| format!("scenarios[{index}].{name}");
    let by_region = |list: &BTreeMap<String, f64>, name: &str| -> Built<Vec<(usize, f64)>> {
        let each = list.iter().map(|(region, value)| {
            find(region, regions, "region", || format!("{}.{region}", field(name)))
                .map(|region| (region, *value))
        });
        each.collect()
    };
    let site_names: Vec<String> = sites.iter().map(|site| site.name.clone()).collect();
    let lost = row.lost_sites.iter().enumerate();
    let lost =
        lost.map(|(at, name)| find(name, &site_names, "site", || format!("{}[{at}]", field("lost-sites"))));
    Ok(Scenario {
        name: row.name.clone(),
        weight: row.weight.unwrap_or(1.0),
        viewers_factor: row.viewers_factor.unwrap_or(1.0),
        region_viewers_factors: by_region(&row.region_viewers_factors, "region-viewers-factors")?,
        rho_factor: row.rho_factor.unwrap_or(1.0),
        region_rhos: by_region(&row.region_rhos, "region-rhos")?,
        lost_sites: lost.collect::<Built<_>>()?,
    })
}
