//! The life of the process: read the command line, do what it asks, and end with a status that scripts understand.

use std::process::ExitCode;

use clap::Parser;
use godwit_server::args::Arguments;
use godwit_server::{Exit, choose_cryptography, report, run};

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    choose_cryptography();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            report(&godwit_server::Failure {
                exit: Exit::Refused,
                code: "GW-P002",
                what: format!("the process cannot start its threads: {error}"),
                next: String::new(),
            });
            return Exit::Refused.into();
        }
    };
    let ended = runtime.block_on(run(arguments));
    match ended {
        Ok(()) => Exit::Done.into(),
        Err(failure) => {
            report(&failure);
            failure.exit.into()
        }
    }
}
