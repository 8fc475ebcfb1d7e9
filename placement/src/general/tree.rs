//! Branch and bound over which sites are open, then over who serves whole customers.

use std::collections::BinaryHeap;
use std::rc::Rc;

use crate::general::ascent::Ascent;
use crate::general::cut::{self, Cuts};
use crate::general::incumbent::Incumbent;
use crate::general::plan::{self, Plan, Verdict};
use crate::general::problem::{Fix, Problem};
use crate::general::relaxation::{Pin, Prices, Relaxation};
use crate::general::sizes;
use crate::solve::watch::Watch;

/// Steps of the ascent at the root and at other nodes, at most, and those without progress.
const ROOT_STEPS: (usize, usize) = (1_500, 120);
const NODE_STEPS: (usize, usize) = (150, 24);
/// Steps between two looks at the answers for cuts and plans.
const LOOK_EVERY: usize = 25;
/// While no plan is known the bound is led upwards by this part of itself.
const LEAD: f64 = 0.05;

/// A part of the choices that is left.
#[derive(Clone, Debug)]
struct Node {
    fixes: Vec<Fix>,
    pins: Vec<Pin>,
    prices: Rc<Prices>,
    bound: f64,
    /// Breaks ties by age.
    number: u64,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Node {}

impl PartialOrd for Node {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The lowest bound is the greatest: it leaves the heap first.
impl Ord for Node {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        other.bound.total_cmp(&self.bound).then(other.number.cmp(&self.number))
    }
}

/// What became of a node.
enum Fate {
    Done,
    Stopped(Node),
    Split(Node, Node),
}

/// The search with what it knows.
pub(super) struct Tree<'a, 'w> {
    problem: &'a Problem,
    relaxation: Relaxation<'a>,
    cuts: Cuts,
    incumbent: Incumbent,
    watch: &'a mut Watch<'w>,
    gap_goal: f64,
    open: BinaryHeap<Node>,
    /// The least cost of what was given up because it is not enough better than the best plan, or not solved.
    floor: f64,
    /// No plan costs more, whatever it does.
    ceiling: f64,
    numbers: u64,
}

/// How a search ended.
pub(super) struct Ending {
    pub(super) plan: Option<Plan>,
    /// Infinite when there is no plan at all.
    pub(super) bound: f64,
    pub(super) is_stopped: bool,
}

impl<'a, 'w> Tree<'a, 'w> {
    pub(super) fn new(problem: &'a Problem, gap_goal: f64, seed: u64, watch: &'a mut Watch<'w>) -> Self {
        Self {
            problem,
            relaxation: Relaxation::new(problem),
            cuts: Cuts::new(problem),
            incumbent: Incumbent::new(seed),
            watch,
            gap_goal: gap_goal.max(0.0),
            open: BinaryHeap::new(),
            floor: f64::INFINITY,
            ceiling: problem.ceiling(),
            numbers: 0,
        }
    }

    /// Searches until the best plan is proven or the watch says stop.
    pub(super) fn search(mut self) -> Ending {
        let prices = self.relaxation.first_prices(&self.cuts);
        let fixes = self.problem.fixes.clone();
        self.open.push(Node { fixes, pins: Vec::new(), prices, bound: f64::NEG_INFINITY, number: 0 });
        let mut dive: Option<Node> = None;
        let mut is_stopped = false;
        while let Some(node) = dive.take().or_else(|| self.open.pop()) {
            self.tell(&node);
            if self.is_hopeless(node.bound) {
                continue;
            }
            match self.explore(node) {
                Fate::Done => {}
                Fate::Stopped(node) => {
                    self.open.push(node);
                    is_stopped = true;
                    break;
                }
                Fate::Split(near, far) => {
                    self.open.push(far);
                    dive = Some(near);
                }
            }
            self.watch.nodes += 1;
        }
        let left = self.open.peek().map_or(f64::INFINITY, |node| node.bound);
        let bound = left.min(self.floor).min(self.incumbent.cost);
        Ending { plan: self.incumbent.plan, bound, is_stopped }
    }

    fn tell(&mut self, node: &Node) {
        let left = self.open.peek().map_or(f64::INFINITY, |node| node.bound);
        self.watch.bound = left.min(node.bound).min(self.floor);
        self.watch.best = self.incumbent.cost;
    }

    /// What costs as much is not worth looking for.
    fn cutoff(&self) -> f64 {
        let best = self.incumbent.cost;
        // A little under the goal, so that rounding does not miss it.
        if best.is_finite() { best - (0.99 * self.gap_goal).max(1e-12) * best.abs() } else { self.ceiling }
    }

    /// Whether nothing worth having costs at least so much; remembers how much was given up with it.
    fn is_hopeless(&mut self, bound: f64) -> bool {
        let is_hopeless = bound >= self.cutoff();
        if is_hopeless && self.incumbent.plan.is_some() {
            self.floor = self.floor.min(bound);
        }
        is_hopeless
    }

    fn explore(&mut self, mut node: Node) -> Fate {
        if !self.cuts.propagate(self.problem, &mut node.fixes) {
            return Fate::Done;
        }
        self.relaxation.pin(&node.pins);
        let is_root = node.bound == f64::NEG_INFINITY;
        if let Some(fate) = self.settle(&mut node) {
            return fate;
        }
        let mut ascent = Ascent::new(&mut self.relaxation, &node.prices, &self.cuts, &node.fixes);
        let is_stopped = self.ascend(&mut node, &mut ascent, if is_root { ROOT_STEPS } else { NODE_STEPS });
        node.bound = node.bound.max(ascent.bound);
        if self.is_hopeless(node.bound) {
            return Fate::Done;
        }
        node.prices = Rc::new(ascent.prices.clone());
        if is_stopped {
            self.rescue(&ascent);
            return Fate::Stopped(node);
        }
        self.look_for_plans(&ascent, is_root);
        if self.is_hopeless(node.bound) {
            return Fate::Done;
        }
        if cut::count(&node.fixes, Fix::Free) > 0 {
            self.branch_on_site(node, &ascent)
        } else if let Some(fate) = self.settle(&mut node) {
            fate
        } else {
            self.branch_on_customer(node, &ascent)
        }
    }

    /// Closes a node whose sites are all decided, unless customers are to be decided yet.
    fn settle(&mut self, node: &mut Node) -> Option<Fate> {
        if cut::count(&node.fixes, Fix::Free) > 0 {
            return None;
        }
        let open: Vec<usize> =
            (0..self.problem.sites).filter(|&site| node.fixes[site] == Fix::Open).collect();
        let cutoff = self.cutoff();
        let verdict =
            plan::evaluate(self.problem, &self.relaxation.served, &open, cutoff, true, &mut self.cuts);
        let floor = match verdict {
            Verdict::Impossible => return Some(Fate::Done),
            Verdict::Costly(floor) | Verdict::Unknown(floor) => floor,
            Verdict::Plan { plan, floor } => {
                self.incumbent.keep(plan);
                floor
            }
        };
        node.bound = node.bound.max(floor);
        if self.is_hopeless(node.bound) {
            return Some(Fate::Done);
        }
        if !self.problem.is_whole || self.undecided(node).is_empty() {
            self.floor = self.floor.min(node.bound);
            return Some(Fate::Done);
        }
        None
    }

    /// Raises the node's bound step by step, fixing sites and learning cuts on the way; true when told to stop.
    fn ascend(&mut self, node: &mut Node, ascent: &mut Ascent, steps: (usize, usize)) -> bool {
        let is_root = steps == ROOT_STEPS;
        for step in 0..steps.0 {
            if ascent.bound >= self.cutoff() {
                return false;
            }
            let cutoff = self.cutoff();
            let target = if cutoff - ascent.bound < LEAD * (1e-3 + ascent.bound.abs()) {
                cutoff
            } else {
                ascent.bound + LEAD * (1e-3 + ascent.bound.abs())
            };
            if ascent.advance(&mut self.relaxation, &self.cuts, &node.fixes, target)
                && !self.fix_sites(node, ascent)
            {
                ascent.bound = f64::INFINITY;
                return false;
            }
            if ascent.failures() > steps.1 {
                return false;
            }
            if step % LOOK_EVERY == LOOK_EVERY - 1 {
                self.learn_cuts(ascent);
                if is_root {
                    self.look_for_plans(ascent, step % (8 * LOOK_EVERY) == 8 * LOOK_EVERY - 1);
                    self.watch.bound = self.watch.bound.max(ascent.bound);
                }
            }
            if self.watch.is_over() {
                return true;
            }
        }
        false
    }

    /// Fixes sites that no plan better than the best decides otherwise; false when nothing is left.
    fn fix_sites(&mut self, node: &mut Node, ascent: &Ascent) -> bool {
        if !ascent.bound.is_finite() {
            return true;
        }
        let mut is_changed = false;
        for site in 0..self.problem.sites {
            if node.fixes[site] != Fix::Free {
                continue;
            }
            let flipped = self.relaxation.bound_if_flipped(ascent.bound, site);
            if self.is_hopeless(flipped) {
                node.fixes[site] = if self.relaxation.is_open[site] { Fix::Open } else { Fix::Closed };
                is_changed = true;
            }
        }
        !is_changed || self.cuts.propagate(self.problem, &mut node.fixes)
    }

    /// Cuts that the averaged plan or the last answer violates.
    fn learn_cuts(&mut self, ascent: &Ascent) {
        let problem = self.problem;
        let has_events = problem.must_survive_loss || problem.states.iter().any(|state| !state.is_served);
        if !has_events {
            return;
        }
        let average: Vec<f64> = (0..problem.sites)
            .map(|site| {
                let most = ascent.openness[site] * problem.size_max[site];
                if problem.budget.is_finite() { ascent.size[site].min(most) } else { most }
            })
            .collect();
        let sites: Vec<usize> = (0..problem.sites).filter(|&site| ascent.openness[site] > 1e-6).collect();
        for stuck in sizes::unsurvived(problem, &sites, &average, 1e-3 * problem.load_tolerance.max(1e-3), 8)
        {
            self.cuts.learn(problem, &stuck);
        }
    }

    fn look_for_plans(&mut self, ascent: &Ascent, is_thorough: bool) {
        let before = self.incumbent.cost;
        let served = &self.relaxation.served;
        if self.incumbent.plan.is_none() || is_thorough || self.problem.sites <= 60 {
            self.incumbent.round(self.problem, served, &mut self.cuts, &ascent.openness, self.watch);
        }
        let answer: Vec<usize> =
            (0..self.problem.sites).filter(|&site| self.relaxation.is_open[site]).collect();
        self.incumbent.consider(self.problem, served, &answer, &mut self.cuts);
        self.watch.best = self.incumbent.cost;
        if is_thorough || self.incumbent.cost < before {
            self.incumbent.improve(self.problem, served, &mut self.cuts, self.watch);
        }
    }

    /// When the time is over before anything was found: one attempt.
    fn rescue(&mut self, ascent: &Ascent) {
        if self.incumbent.plan.is_none() {
            let served = &self.relaxation.served;
            self.incumbent.round(self.problem, served, &mut self.cuts, &ascent.openness, self.watch);
        }
    }

    fn child(&mut self, node: &Node) -> Node {
        self.numbers += 1;
        Node { number: self.numbers, ..node.clone() }
    }

    /// Decides the site that the averaged plan is least sure of.
    fn branch_on_site(&mut self, node: Node, ascent: &Ascent) -> Fate {
        let doubt = |site: usize| (ascent.openness[site] - 0.5).abs();
        let free = (0..self.problem.sites).filter(|&site| node.fixes[site] == Fix::Free);
        let Some(site) = free.min_by(|&a, &b| doubt(a).total_cmp(&doubt(b))) else {
            return Fate::Stopped(node);
        };
        let (mut near, mut far) = (self.child(&node), self.child(&node));
        let is_open = ascent.openness[site] >= 0.5;
        near.fixes[site] = if is_open { Fix::Open } else { Fix::Closed };
        far.fixes[site] = if is_open { Fix::Closed } else { Fix::Open };
        Fate::Split(near, far)
    }

    /// Customers that more than one open site may serve: served state, customer.
    fn undecided(&self, node: &Node) -> Vec<(usize, usize)> {
        let mut undecided = Vec::new();
        for (served, state) in self.relaxation.served.iter().enumerate() {
            for customer in 0..self.problem.customers {
                let choices = (0..self.problem.sites)
                    .filter(|&site| node.fixes[site] == Fix::Open && state.is_reached(site, customer));
                if choices.count() > 1 {
                    undecided.push((served, customer));
                }
            }
        }
        undecided
    }

    /// Decides a site for the customer that the averaged plan splits most.
    fn branch_on_customer(&mut self, node: Node, ascent: &Ascent) -> Fate {
        let rows = self.relaxation.rows();
        let customers = self.problem.customers;
        let favourite = |served: usize, customer: usize| {
            let state = &self.relaxation.served[served];
            (0..self.problem.sites)
                .filter(|&site| node.fixes[site] == Fix::Open && state.is_reached(site, customer))
                .map(|site| (ascent.service[site * rows + served * customers + customer], site))
                .max_by(|a, b| a.0.total_cmp(&b.0))
        };
        let choice = self
            .undecided(&node)
            .into_iter()
            .filter_map(|(served, customer)| {
                favourite(served, customer).map(|(part, site)| (part, served, customer, site))
            })
            .min_by(|a, b| a.0.total_cmp(&b.0));
        let Some((_, served, customer, site)) = choice else {
            return Fate::Stopped(node);
        };
        let (mut near, mut far) = (self.child(&node), self.child(&node));
        near.pins.push(Pin { served, customer, site, is_served: true });
        far.pins.push(Pin { served, customer, site, is_served: false });
        Fate::Split(near, far)
    }
}
