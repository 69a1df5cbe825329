//! What the archive promises, on the real disk, on the simulated one, and with every body encrypted.

#[path = "contract/stage.rs"]
mod stage;

/// Runs each named test on both disks.
macro_rules! on_both_disks {
    ($($test:ident),+ $(,)?) => {
        mod on_a_real_disk {
            $(#[test] fn $test() { super::$test(&mut super::Stage::real()); })+
        }
        mod encrypted {
            $(#[test] fn $test() { super::$test(&mut super::Stage::sealed()); })+
        }
        mod on_a_simulated_disk {
            $(#[test] fn $test() { super::$test(&mut super::Stage::simulated()); })+
        }
    };
}

#[path = "contract/cold.rs"]
mod cold;
#[path = "contract/devices.rs"]
mod devices;
#[path = "contract/duplicates.rs"]
mod duplicates;
#[path = "contract/fanout.rs"]
mod fanout;
#[path = "contract/inspection.rs"]
mod inspection;
#[path = "contract/keeping.rs"]
mod keeping;
#[path = "contract/marks.rs"]
mod marks;
#[path = "contract/numbering.rs"]
mod numbering;
#[path = "contract/probes.rs"]
mod probes;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/retention.rs"]
mod retention;
#[path = "contract/rewriting.rs"]
mod rewriting;
#[path = "contract/rot.rs"]
mod rot;
#[path = "contract/sealing.rs"]
mod sealing;
#[path = "contract/trouble.rs"]
mod trouble;
