//! What may happen in one step of a random day, and what may go wrong with the disk meanwhile.

use super::*;

impl World {
    /// One thing happens, and something may go wrong with it.
    pub(in super::super) fn step(&mut self) {
        match (self.fault, self.dice.below(3)) {
            (None, 0) => self.break_something(),
            (Some(_), 0) => {
                self.mend();
                self.check();
            }
            _ => {}
        }
        let drawn = self.dice.below(22);
        self.say(&format!("step {drawn} with {:?}", self.fault));
        match drawn {
            0..=3 => {
                let count = self.dice.below(6) + 1;
                self.post(count);
            }
            4..=6 => {
                let count = self.dice.below(4) + 1;
                self.write_lines(count);
                self.follow();
            }
            7 => {
                self.outside.finish_line();
                self.follow();
            }
            8..=10 => {
                let slots = self.dice.below(3);
                let capacity = match self.dice.below(4) {
                    0 => Capacity::NoModel,
                    1 => Capacity::Down,
                    _ => Capacity::Slots(usize::try_from(slots).expect("small")),
                };
                self.judge(capacity);
            }
            11..=12 => self.settle_one(),
            13..=15 => self.publish(),
            16 => self.ask_as_person(),
            17 => self.jump(),
            18 if self.rotates => self.rotate(),
            19 => self.turn_sinks(),
            20 => self.rest(),
            18 => {}
            _ => match self.dice.below(3) {
                0 => self.restart_cleanly(),
                1 => self.checkpoint_log(),
                _ => self.post_owed(),
            },
        }
        let pause = Duration::from_secs(self.dice.below(90));
        self.pass(pause);
    }

    fn jump(&mut self) {
        let seconds = self.dice.one_of(&[60, 3600, 26 * 3600]);
        let jump = Duration::from_secs(seconds);
        let now = self.now();
        self.clock.set(if self.dice.below(2) == 0 { now.before(jump) } else { now.after(jump) });
    }

    fn rotate(&mut self) {
        let kind = self.dice.below(4);
        self.say(&format!("rotate {kind}"));
        match kind {
            0 => {
                // Twice while nobody reads.
                self.outside.rotate();
                self.write_lines(2);
                self.outside.rotate();
            }
            1 => {
                // A reader that runs loses what is copied away before it was read: that is the nature of it, so everything is read first.
                self.outside.finish_line();
                if self.follow() {
                    self.outside.copy_and_truncate();
                }
                self.follow();
            }
            2 => {
                self.outside.rotate();
                self.restart_cleanly();
            }
            _ => self.outside.rotate(),
        }
    }

    fn break_something(&mut self) {
        let times = u32::try_from(self.dice.below(3)).expect("small") + 1;
        let fault = self.dice.one_of(&[
            Fault::Stop,
            Fault::Stop,
            Fault::Stop,
            Fault::Full,
            Fault::FlushFails(times),
            Fault::WriteFails(times),
        ]);
        let after = self.dice.below(40);
        self.arm(after, fault);
    }

    fn turn_sinks(&mut self) {
        let (listens, is_there) = (self.dice.below(2) == 0, self.dice.below(2) == 0);
        self.outside.set_wazuh(listens);
        self.outside.set_file(is_there);
    }

    fn rest(&mut self) {
        let now = self.now();
        if let Err(error) = self.at_desk(move |desk| desk.rest(now)) {
            self.allow(&error);
        }
        self.survive();
    }
}
