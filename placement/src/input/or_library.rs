use std::path::Path;

use super::error::InputError;
use super::load::read;
use crate::solve::{Instance, SiteNumbers, Standing, State};

/// How large the sites of an OR-Library file are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Capacities {
    /// As the file says.
    #[default]
    Own,
    /// All of this size, in the file's unit; for files that bear the word `capacity` in place of a number.
    All(f64),
    /// Without a limit.
    Unlimited,
}

/// Reads a `cap` file of the OR-Library (Beasley 1990, "OR-Library: distributing test problems by electronic mail"): the
/// numbers of sites and customers; each site's capacity and opening cost; each customer's demand and what serving all of
/// it from each site costs. Sizes and demands keep the file's unit.
///
/// # Errors
/// [`InputError`], which names file, line and what was to stand there.
pub fn load_or_library(path: &Path, capacities: Capacities) -> Result<Instance, InputError> {
    parse_or_library(&read(path)?, &path.display().to_string(), capacities)
}

/// The same from a text; `file` is its name in messages.
///
/// # Errors
/// [`InputError`], which names file, line and what was to stand there.
pub fn parse_or_library(text: &str, file: &str, capacities: Capacities) -> Result<Instance, InputError> {
    if let Capacities::All(size) = capacities
        && !(size > 0.0 && size.is_finite())
    {
        return Err(InputError::syntax(
            file,
            None,
            format!("a capacity of {size}: it must be a number above 0"),
        ));
    }
    let mut words = Words::new(text, file);
    let sites = words.count("the number of sites")?;
    let customers = words.count("the number of customers")?;
    let mut instance = Instance::unlimited(Vec::new(), Vec::new());
    for site in 1..=sites {
        let size_max_bps = words.capacity(site, capacities)?;
        let opening_cost = words.number(|| format!("the opening cost of site {site}"))?;
        instance.sites.push(SiteNumbers {
            opening_cost,
            standing: Standing::Free,
            size_max_bps,
            size_min_bps: 0.0,
        });
    }
    let mut state = State { weight: 1.0, demand_bps: Vec::new(), service_cost: Vec::new(), lost: Vec::new() };
    for customer in 1..=customers {
        state.demand_bps.push(words.number(|| format!("the demand of customer {customer}"))?);
        for site in 1..=sites {
            let cost =
                words.number(|| format!("the cost of serving customer {customer} from site {site}"))?;
            state.service_cost.push(cost);
        }
    }
    words.end()?;
    check_room(&instance, &state, file)?;
    instance.states.push(state);
    Ok(instance)
}

fn check_room(instance: &Instance, state: &State, file: &str) -> Result<(), InputError> {
    let sizes: f64 = instance.sites.iter().map(|site| site.size_max_bps).sum();
    let demand: f64 = state.demand_bps.iter().sum();
    if sizes >= demand {
        return Ok(());
    }
    let message =
        format!("all capacities together, {sizes}, are {} short of the demand, {demand}", demand - sizes);
    Err(InputError::syntax(file, None, message))
}

/// The words of a text with their lines.
struct Words<'a> {
    words: Box<dyn Iterator<Item = (usize, &'a str)> + 'a>,
    file: &'a str,
    line: usize,
}

impl<'a> Words<'a> {
    fn new(text: &'a str, file: &'a str) -> Self {
        let lines = text.lines().enumerate();
        let words = lines.flat_map(|(line, text)| text.split_whitespace().map(move |word| (line + 1, word)));
        Self { words: Box::new(words), file, line: 1 }
    }

    fn next(&mut self, what: &str) -> Result<&'a str, InputError> {
        let Some((line, word)) = self.words.next() else {
            return Err(InputError::syntax(self.file, Some(self.line), format!("ends before {what}")));
        };
        self.line = line;
        Ok(word)
    }

    fn wrong<T>(&self, what: &str, word: &str, kind: &str) -> Result<T, InputError> {
        Err(InputError::syntax(self.file, Some(self.line), format!("{what} is {word}: it must be {kind}")))
    }

    fn count(&mut self, what: &str) -> Result<usize, InputError> {
        let word = self.next(what)?;
        match word.parse() {
            Ok(count) if count > 0 => Ok(count),
            Ok(_) | Err(_) => self.wrong(what, word, "a whole number above 0"),
        }
    }

    fn number(&mut self, what: impl Fn() -> String) -> Result<f64, InputError> {
        let what = what();
        let word = self.next(&what)?;
        match word.parse() {
            Ok(number) if (0.0..f64::INFINITY).contains(&number) => Ok(number),
            Ok(_) | Err(_) => self.wrong(&what, word, "a number, 0 or more"),
        }
    }

    fn capacity(&mut self, site: usize, capacities: Capacities) -> Result<f64, InputError> {
        let what = format!("the capacity of site {site}");
        let word = self.next(&what)?;
        match capacities {
            Capacities::Unlimited => Ok(f64::INFINITY),
            Capacities::All(size) => Ok(size),
            Capacities::Own if word.eq_ignore_ascii_case("capacity") => {
                let message = format!(
                    "{what} is the word `{word}`: say how large sites are with --capacity N, or --uncapacitated"
                );
                Err(InputError::syntax(self.file, Some(self.line), message))
            }
            Capacities::Own => match word.parse() {
                Ok(size) if (0.0..f64::INFINITY).contains(&size) => Ok(size),
                Ok(_) | Err(_) => self.wrong(&what, word, "a number, 0 or more, or the word `capacity`"),
            },
        }
    }

    fn end(&mut self) -> Result<(), InputError> {
        match self.words.next() {
            None => Ok(()),
            Some((line, word)) => Err(InputError::syntax(
                self.file,
                Some(line),
                format!("goes on with {word} after the last cost"),
            )),
        }
    }
}
