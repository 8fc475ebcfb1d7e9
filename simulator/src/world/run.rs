//! The world and its one loop: take the next event, let it happen.

use livesky_core::limits::DATAGRAM_LEN_MAX;
use livesky_core::media::FrameId;
use livesky_core::{Endpoint, Instant, Path};

use super::aftermath::Aftermath;
use super::channel::FrameModel;
use super::checks::{CHECK_US, Checks};
use super::faults::restarts;
use super::flights::{Cargo, Flights};
use super::hosts::Hosts;
use super::machines::Machines;
use super::memory::{ClientMemory, EdgeMemory};
use super::plan::{Plan, us};
use super::service::Service;
use super::viewer::Viewer;
use super::wire::{Happening, Wire};
use crate::Progress;
use crate::engine::{EventHash, Queue};
use crate::metrics::{Collector, Pairs, Sender};
use crate::network::HostId;
use crate::results::Results;
use crate::scenario::Scenario;

/// Virtual time between two calls of the progress function.
const PROGRESS_US: u64 = 250_000;

/// Everything.
pub(crate) struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) seed: u64,
    pub(super) wire: Wire,
    pub(super) services: Vec<Service<'a>>,
    /// Memory of edges that come back after a loss of power.
    pub(super) edge_memory: core::slice::IterMut<'a, EdgeMemory>,
    pub(super) machines: Machines<'a>,
    /// By session.
    pub(super) viewers: Vec<Viewer>,
    /// Sessions of those present.
    pub(super) present: Vec<u32>,
    pub(super) plan: Plan,
    pub(super) model: FrameModel,
    pub(super) next_frame: FrameId,
    /// Where heads are written and whole datagrams are put together.
    pub(super) scratch: [u8; DATAGRAM_LEN_MAX],
    pub(super) end: Instant,
    /// When the present viewers' time was last added up.
    pub(super) accounted_at: Instant,
    /// Up to when the edges' bytes are in the series.
    pub(super) sampled_at: Instant,
    pub(super) edge_bytes: Vec<u64>,
    pub(super) checks: Checks,
    /// Faults that have begun.
    pub(super) aftermaths: Vec<Aftermath>,
    /// Clients that sent, and where to, when pairs are counted.
    pub(super) attempts: Vec<(u32, core::net::SocketAddr)>,
    /// Faults that have begun and not ended.
    pub(super) active: Vec<usize>,
    /// Fault and session of uplinks slowed down.
    pub(super) slowed: Vec<(usize, u32)>,
}

/// Runs a scenario with a seed.
pub(crate) fn run(scenario: &Scenario, seed: u64, progress: &mut dyn FnMut(Progress)) -> Results {
    let plan = Plan::new(scenario, seed);
    let settings = scenario.channel.settings();
    let peers = scenario.clients.peers_max;
    let mut client_memory: Vec<ClientMemory> =
        (0..plan.present_max).map(|_| ClientMemory::new(&settings, peers)).collect();
    let places = |index: usize| {
        let most = plan.present_max.clamp(1, 65_535);
        let set = scenario.edges.get(index).and_then(|edge| edge.clients_max);
        set.map_or(most, |max| max as usize)
    };
    let lives = (0..scenario.edges.len()).chain(restarts(scenario));
    let mut edge_memory: Vec<EdgeMemory> =
        lives.map(|index| EdgeMemory::new(&settings, places(index))).collect();
    let mut world = World::new(scenario, seed, plan, &mut client_memory, &mut edge_memory);
    world.play_out(progress);
    world.results()
}

impl<'a> World<'a> {
    pub(super) fn new(
        scenario: &'a Scenario,
        seed: u64,
        plan: Plan,
        client_memory: &'a mut [ClientMemory],
        edge_memory: &'a mut [EdgeMemory],
    ) -> Self {
        let Hosts { network, terms } = Hosts::draw(scenario, &plan, seed);
        let edges = scenario.edges.len();
        let sessions = terms.len();
        let viewers = terms.into_iter().enumerate().map(|(session, terms)| {
            let host = HostId(u32::try_from(edges + session).unwrap_or(u32::MAX));
            let site = network.host(host).map(|host| host.site).unwrap_or_default();
            Viewer::new(host, site, terms)
        });
        let viewers = viewers.collect();
        let measured_from = Instant::from_micros(us(scenario.run.warm_up_s));
        let regions = scenario.network.regions.len().max(1);
        let cadence_us = u64::from(scenario.channel.cadence_us);
        let mut wire = Wire {
            now: Instant::ZERO,
            queue: Queue::new(),
            network,
            flights: Flights::default(),
            hash: EventHash::new(),
            collector: Collector::new(cadence_us, measured_from, edges, regions),
            edges: u32::try_from(edges).unwrap_or(u32::MAX),
            violations: Vec::new(),
            violations_count: 0,
            replay: format!("livesky simulate {} --seed {seed}", scenario.name),
        };
        if !scenario.nat.is_empty() {
            wire.collector.pairs = Some(Pairs::default());
        }
        let mut edge_memory = edge_memory.iter_mut();
        let services = (0..edges)
            .zip(&mut edge_memory)
            .filter_map(|(index, memory)| Service::new(scenario, index, 0, seed, memory, &wire))
            .collect();
        Self {
            scenario,
            seed,
            wire,
            services,
            edge_memory,
            machines: Machines::new(client_memory),
            viewers,
            present: Vec::new(),
            plan,
            model: FrameModel::new(&scenario.channel, seed),
            next_frame: FrameId(0),
            scratch: [0; DATAGRAM_LEN_MAX],
            end: Instant::from_micros(us(scenario.total_s())),
            accounted_at: measured_from,
            sampled_at: Instant::ZERO,
            edge_bytes: vec![0; edges],
            checks: Checks::new(sessions, edges, scenario.channel.substreams),
            aftermaths: Vec::new(),
            attempts: Vec::new(),
            active: Vec::new(),
            slowed: Vec::new(),
        }
    }

    fn play_out(&mut self, progress: &mut dyn FnMut(Progress)) {
        self.schedule();
        let mut told_us = 0;
        while let Some((at, happening)) = self.wire.queue.pop() {
            if at > self.end {
                break;
            }
            self.wire.now = at;
            self.wire.collector.totals.events += 1;
            self.happen(happening);
            if at.as_micros() >= told_us {
                told_us = at.as_micros() + PROGRESS_US;
                progress(self.progress());
            }
        }
        self.wire.now = self.end;
        progress(self.progress());
    }

    fn progress(&self) -> Progress {
        Progress {
            now_s: self.wire.now.as_micros() as f64 / 1e6,
            end_s: self.end.as_micros() as f64 / 1e6,
            viewers: u32::try_from(self.present.len()).unwrap_or(u32::MAX),
            events: self.wire.collector.totals.events,
        }
    }

    /// What is known from the beginning.
    fn schedule(&mut self) {
        let queue = &mut self.wire.queue;
        queue.push(Instant::ZERO, Happening::Frame);
        queue.push(Instant::from_micros(CHECK_US), Happening::Check);
        for (session, stay) in (0..).zip(&self.plan.sessions) {
            queue.push(Instant::from_micros(stay.join_at_us), Happening::Join(session));
            if let Some(leave_at_us) = stay.leave_at_us {
                queue.push(Instant::from_micros(leave_at_us), Happening::Leave(session));
            }
        }
        let warm_up_us = us(self.scenario.run.warm_up_s);
        for (index, fault) in (0..).zip(&self.scenario.faults) {
            let (at_s, for_s) = fault.span_s();
            let at_us = warm_up_us + us(at_s);
            queue.push(Instant::from_micros(at_us), Happening::FaultBegins(index));
            queue.push(Instant::from_micros(at_us + us(for_s)), Happening::FaultEnds(index));
        }
        queue.push(Instant::from_micros(warm_up_us), Happening::Measure);
        queue.push(Instant::from_micros(us(self.scenario.run.sample_s)), Happening::Sample);
    }

    fn happen(&mut self, happening: Happening) {
        let now = self.wire.now;
        match happening {
            Happening::Arrive(flight) => {
                if self.wire.on_arrival(flight) {
                    self.deliver(flight);
                }
            }
            Happening::Deliver(flight) => self.deliver(flight),
            Happening::Wake { node, turn } => self.wake(node, turn),
            Happening::Frame => self.publish(),
            Happening::Join(session) => self.join(session),
            Happening::Leave(session) => self.leave(session),
            Happening::FaultBegins(fault) => self.begin_fault(fault as usize),
            Happening::FaultEnds(fault) => self.end_fault(fault as usize),
            Happening::Measure => self.begin_measuring(),
            Happening::Minute => {
                self.close_minute();
                self.wire.queue.push(now.plus_micros(60_000_000), Happening::Minute);
            }
            Happening::Check => {
                self.check();
                self.follow_up();
                self.wire.queue.push(now.plus_micros(CHECK_US), Happening::Check);
            }
            Happening::Sample => {
                self.sample();
                self.wire.queue.push(now.plus_micros(us(self.scenario.run.sample_s)), Happening::Sample);
            }
        }
    }

    fn deliver(&mut self, index: u32) {
        let now = self.wire.now;
        let Some(flight) = self.wire.flights.get(index) else { return };
        let (host, socket) = flight.receiver;
        let (from, source, cargo) = (flight.from, flight.source, flight.cargo);
        self.wire.hash.bytes(flight.head());
        let datagram = flight.write(&mut self.scratch);
        let path = Path { socket, ..Path::to(source.into()) };
        self.wire.collector.totals.datagrams_delivered += 1;
        self.wire.witness(host.0, 1);
        // A rejected datagram is an expected thing here: the machines count them.
        if self.wire.is_edge(host) {
            if let Some(service) = self.services.get_mut(host.index()).filter(|service| !service.is_down) {
                if cargo == Cargo::Control {
                    service.leases.on_told(now, path.remote, datagram);
                }
                let _taken = service.edge.handle_datagram(now, path, datagram);
                service.settle(&mut self.wire, &mut self.scratch);
            }
        } else {
            let session = host.0 - self.wire.edges;
            if let Some(slot) = self.viewers.get(session as usize).and_then(Viewer::slot) {
                if let Some(viewer) = self.viewers.get_mut(session as usize) {
                    if !self.wire.is_edge(from) {
                        viewer.known.on_heard(path.remote);
                    } else if cargo == Cargo::Control {
                        viewer.known.on_told(datagram);
                    }
                }
                if let Some(machine) = self.machines.get_mut(slot) {
                    let _taken = machine.handle_datagram(now, path, datagram);
                }
                self.account_delivery(session, from, cargo);
                self.settle(session);
            } else {
                self.wire.collector.totals.datagrams_unreachable += 1;
            }
        }
        self.wire.flights.end(index);
    }

    fn account_delivery(&mut self, session: u32, from: HostId, cargo: Cargo) {
        self.note_pair(from, session);
        let Cargo::Fragment { reason, substream, len } = cargo else { return };
        let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
        let collector = &mut self.wire.collector;
        let is_edge = from.0 < self.wire.edges;
        let sender = if is_edge { Sender::Edge } else { Sender::Peer };
        let isp = self.wire.network.host(from).map(|host| host.site.isp);
        let crosses_isp = isp != Some(viewer.site.isp);
        collector.bytes.on_delivered(sender, reason, len, crosses_isp, viewer.site.region);
        collector.since.delivered += u64::from(len);
        if is_edge {
            collector.since.edge_delivered += u64::from(len);
        }
        if let Some(us) = viewer.pending.on_fed(self.wire.now, substream, from, reason) {
            collector.repairs.add(us);
        }
    }

    fn wake(&mut self, node: u32, turn: u32) {
        let now = self.wire.now;
        if self.wire.is_edge(HostId(node)) {
            let Some(service) = self.services.get_mut(node as usize).filter(|service| !service.is_down)
            else {
                return;
            };
            if !service.alarm.rings(now, turn) {
                return;
            }
            if service.edge.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                service.edge.handle_timeout(now);
            }
            service.settle(&mut self.wire, &mut self.scratch);
        } else {
            let session = node - self.wire.edges;
            let Some(viewer) = self.viewers.get_mut(session as usize) else { return };
            let Some(slot) = viewer.slot().filter(|_| viewer.alarm.rings(now, turn)) else { return };
            let Some(machine) = self.machines.get_mut(slot) else { return };
            if machine.poll_timeout().is_some_and(|deadline| deadline.at <= now) {
                machine.handle_timeout(now);
            }
            self.settle(session);
        }
        self.wire.witness(node, 2);
    }

    fn publish(&mut self) {
        let info = self.model.info(self.next_frame);
        let fragment_len = self.scenario.channel.fragment_len;
        for service in self.services.iter_mut().filter(|service| !service.is_down) {
            service.publish(self.wire.now, info, fragment_len);
            service.settle(&mut self.wire, &mut self.scratch);
        }
        self.wire.witness(info.id.0, 3);
        self.next_frame = info.id.next();
        let at = self.scenario.channel.published_at(self.next_frame);
        self.wire.queue.push(at, Happening::Frame);
    }
}
