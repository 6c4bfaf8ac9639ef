//! Starting and stopping links: a job of a few steps, each a request that the kernel answers.
//!
//! Jobs on one interface run one after the other. What a start gave is kept until it is taken back, so that
//! a stop, a failure half-way, or a cancel removes exactly that.

use std::collections::VecDeque;
use std::time::Instant;

use netsession_core::{Identifier, Input, InterfaceAddress, OperationId, Outcome};
use rustix::io::Errno;

use super::{Awaited, Rtnetlink};
use crate::link_table::Phase;
use crate::netlink::{Failure, request};

/// What our starts have given to an interface and no stop has taken back.
#[derive(Debug, Default)]
pub(super) struct Given {
    /// The start that gave it.
    by: Option<OperationId>,
    addresses: Vec<InterfaceAddress>,
    /// It was down before.
    was_down: bool,
    /// It was up before, by somebody else.
    was_up: bool,
}

/// A request to start or stop an interface.
#[derive(Debug)]
pub(super) struct Job {
    action: Action,
    /// To whom it is answered: the start or stop, or the cancel of the start.
    op: OperationId,
    result: Outcome,
    reason: Option<String>,
    steps: VecDeque<Step>,
    /// Sent, not answered yet.
    current: Option<Step>,
    has_begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Start,
    Stop {
        until: Option<Instant>,
        /// Also if somebody else had brought it up before it was started.
        is_forced: bool,
    },
    /// Takes back what was given, after a start that failed or was cancelled.
    Undo,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Up,
    Down,
    Give(InterfaceAddress),
    Take(InterfaceAddress),
}

impl Rtnetlink {
    pub(super) fn start(&mut self, op: OperationId, id: &Identifier) {
        self.enqueue(op, id, Action::Start);
    }

    pub(super) fn stop(&mut self, op: OperationId, id: &Identifier, until: Option<Instant>, is_forced: bool) {
        self.enqueue(op, id, Action::Stop { until, is_forced });
    }

    pub(super) fn cancel(&mut self, op: OperationId, cancelled: OperationId) {
        let is_meant = |job: &&mut Job| job.op == cancelled && job.action == Action::Start;
        if let Some(job) = self.jobs.values_mut().flatten().find(is_meant) {
            // Its turn comes when the kernel has answered the step that is under way on the interface.
            job.action = Action::Undo;
            job.op = op;
        } else if let Some((index, _)) = self.given.iter().find(|(_, given)| given.by == Some(cancelled)) {
            // Its answer and the cancel have crossed.
            let index = *index;
            self.enqueue_on(index, Job::new(op, Action::Undo));
        } else {
            self.complete(op, Outcome::Ok, None);
        }
    }

    pub(super) fn on_step_answered(&mut self, index: u32, result: Result<(), Failure>) {
        self.settle(index, result);
        self.run(index);
    }

    pub(super) fn fail_all_jobs(&mut self) {
        for (index, jobs) in std::mem::take(&mut self.jobs) {
            self.table.end(index);
            for job in jobs {
                self.complete(
                    job.op,
                    Outcome::Failed,
                    Some("the connection to the kernel is lost".to_owned()),
                );
            }
        }
    }

    fn enqueue(&mut self, op: OperationId, id: &Identifier, action: Action) {
        let Some(index) = self.table.index_of(id) else {
            return self.complete(op, Outcome::Gone, Some(format!("{id} is gone")));
        };
        if !self.table.can_start() {
            let reason =
                format!("to start and stop {id} this process needs CAP_NET_ADMIN in its network namespace");
            return self.complete(op, Outcome::NotSupported, Some(reason));
        }
        self.enqueue_on(index, Job::new(op, action));
    }

    fn enqueue_on(&mut self, index: u32, job: Job) {
        self.make_room();
        let jobs = self.jobs.entry(index).or_default();
        jobs.push_back(job);
        if jobs.len() == 1 {
            self.run(index);
        }
    }

    /// Goes on with the first job of an interface until the kernel owes an answer.
    fn run(&mut self, index: u32) {
        while let Some(jobs) = self.jobs.get_mut(&index) {
            let Some(job) = jobs.front_mut() else {
                self.jobs.remove(&index);
                return;
            };
            if !job.has_begun {
                job.has_begun = true;
                self.begin(index);
                continue;
            }
            let given = self.given.get(&index);
            let Some(step) = job.next_step(given) else {
                self.finish(index);
                continue;
            };
            job.current = Some(step);
            match self.send(Awaited::Step { index }, |sequence| step.request(sequence, index)) {
                Ok(()) => return,
                Err(failure) => self.settle(index, Err(failure)),
            }
        }
    }

    fn begin(&mut self, index: u32) {
        let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::front_mut) else { return };
        match job.action {
            Action::Start => {
                let is_up = self.table.is_up(index);
                if !is_up {
                    job.steps.push_back(Step::Up);
                }
                let name = self.table.name_of(index);
                let is_meant = |link: &str| Some(link) == name || self.table.index_of(link) == Some(index);
                let addresses = self.addresses.iter().filter(|(link, _)| is_meant(link));
                job.steps.extend(addresses.map(|(_, address)| Step::Give(*address)));
                let given = self.given.entry(index).or_default();
                given.by = Some(job.op);
                given.was_up = is_up && !given.was_down;
                self.table.begin(index, Phase::Starting, None);
            }
            Action::Stop { is_forced: false, .. } if self.given.get(&index).is_some_and(|it| it.was_up) => {
                // What the start gave is taken back, and that is all.
                job.result = Outcome::Refused;
                job.reason = Some("somebody else had brought it up before, so it stays up".to_owned());
            }
            Action::Stop { until, .. } => {
                job.steps.push_back(Step::Down);
                self.table.begin(index, Phase::Stopping, until);
            }
            Action::Undo => {}
        }
    }

    /// Takes in how the current step of an interface's job ended.
    fn settle(&mut self, index: u32, result: Result<(), Failure>) {
        let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::front_mut) else { return };
        let Some(step) = job.current.take() else { return };
        let given = self.given.entry(index).or_default();
        match (step, &result) {
            (Step::Up, Ok(())) => given.was_down = true,
            (Step::Give(address), Ok(())) => given.addresses.push(address),
            // It was there before, so it is not ours to take back.
            (Step::Give(_), Err(failure)) if failure.error == Errno::EXIST => return,
            // Taken back by us or by others, it is no longer ours.
            (Step::Take(address), _) => return given.addresses.retain(|other| *other != address),
            (Step::Down, _) => given.was_down = false,
            (Step::Up | Step::Give(_), Err(_)) => {}
        }
        let Err(failure) = result else { return };
        if job.result == Outcome::Ok && job.action != Action::Undo {
            let name = self.table.name_of(index).unwrap_or("an interface that is gone");
            job.result = outcome_of(failure.error);
            job.reason = Some(step.failure_in_words(name, &failure));
        }
        if job.action == Action::Start {
            job.action = Action::Undo;
        }
    }

    /// Answers the first job of an interface, which has no step left.
    fn finish(&mut self, index: u32) {
        let Some(job) = self.jobs.get_mut(&index).and_then(VecDeque::pop_front) else { return };
        let is_on_its_way = job.result == Outcome::Ok && job.action != Action::Undo;
        if !is_on_its_way {
            self.table.end(index);
        }
        if let Some(given) = self.given.get_mut(&index) {
            given.was_up &= job.action == Action::Start;
            if given.addresses.is_empty() && !given.was_down && !given.was_up {
                self.given.remove(&index);
            }
        }
        self.complete(job.op, job.result, job.reason);
    }

    fn complete(&mut self, op: OperationId, result: Outcome, reason: Option<String>) {
        self.answers.push_back(Input::Completed { op, result, reason });
    }
}

impl Job {
    const fn new(op: OperationId, action: Action) -> Self {
        Self {
            action,
            op,
            result: Outcome::Ok,
            reason: None,
            steps: VecDeque::new(),
            current: None,
            has_begun: false,
        }
    }

    fn next_step(&mut self, given: Option<&Given>) -> Option<Step> {
        let back = given.and_then(|given| given.addresses.last()).map(|address| Step::Take(*address));
        match self.action {
            Action::Start => self.steps.pop_front(),
            Action::Stop { .. } => back.or_else(|| self.steps.pop_front()),
            Action::Undo => back.or_else(|| given.filter(|given| given.was_down).map(|_| Step::Down)),
        }
    }
}

impl Step {
    fn request(self, sequence: u32, index: u32) -> Vec<u8> {
        match self {
            Self::Up => request::set_up(sequence, index, true),
            Self::Down => request::set_up(sequence, index, false),
            Self::Give(address) => request::add_address(sequence, index, address),
            Self::Take(address) => request::remove_address(sequence, index, address),
        }
    }

    fn failure_in_words(self, name: &str, failure: &Failure) -> String {
        match self {
            Self::Up => format!("cannot bring up {name}: {failure}"),
            Self::Down => format!("cannot take down {name}: {failure}"),
            Self::Give(address) => format!("cannot give {address} to {name}: {failure}"),
            Self::Take(address) => format!("cannot take {address} from {name}: {failure}"),
        }
    }
}

fn outcome_of(error: Errno) -> Outcome {
    match error {
        Errno::PERM | Errno::ACCESS | Errno::OPNOTSUPP => Outcome::NotSupported,
        Errno::NODEV | Errno::NXIO => Outcome::Gone,
        // A switch for radios is off.
        Errno::RFKILL => Outcome::Refused,
        _ => Outcome::Failed,
    }
}
