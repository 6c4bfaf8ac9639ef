//! stub
use std::time::Instant;

use netsession_core::{Effect, Identifier, Input, InterfaceAddress};

use crate::Error;
use crate::backend::Backend;

pub(crate) struct Rtnetlink {
    inputs: std::collections::VecDeque<Input>,
}

impl Rtnetlink {
    pub(crate) fn new(_registry: mio::Registry, _receive_buffer_bytes: usize) -> Result<Self, Error> {
        Ok(Self { inputs: [Input::Snapshot(Vec::new())].into() })
    }
}

impl Backend for Rtnetlink {
    fn turn(&mut self, _now: Instant) -> Result<bool, Error> {
        Ok(false)
    }
    fn next_input(&mut self) -> Option<Input> {
        self.inputs.pop_front()
    }
    fn request(&mut self, _effect: Effect, _until: Option<Instant>) {}
    fn resync(&mut self) {}
    fn next_deadline(&self) -> Option<Instant> {
        None
    }
    fn named(&self, _name: &str) -> Vec<Identifier> {
        Vec::new()
    }
    fn give_address(&mut self, _link: &str, _address: InterfaceAddress) {}
    fn lost_notifications(&self) -> u64 {
        0
    }
    fn resyncs(&self) -> u64 {
        0
    }
}
