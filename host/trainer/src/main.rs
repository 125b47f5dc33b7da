//! The program `archwright-trainer`: carries out training actions for the Archwright host.

use std::io::{BufReader, stdin};
use std::process::ExitCode;

use archwright_trainer::{LIBTORCH, device, serve};

const HELP: &str = "\
Trains networks for the Archwright host.

Without arguments it speaks the trainer protocol, JSON lines, over its standard streams.

  --devices   print the devices it can work on, as JSON
  --version   print its version
  --help      print this";

fn main() -> ExitCode {
    let argument = std::env::args().nth(1);
    match argument.as_deref() {
        None => match serve::serve(BufReader::new(stdin())) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(&error.to_string()),
        },
        Some("--devices") => {
            println!("{}", device::list());
            ExitCode::SUCCESS
        }
        Some("--version") => {
            println!("archwright-trainer {} (libtorch {LIBTORCH})", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        Some("--help") => {
            println!("{HELP}");
            ExitCode::SUCCESS
        }
        Some(other) => fail(&format!("unknown argument `{other}`; --help lists them")),
    }
}

fn fail(problem: &str) -> ExitCode {
    eprintln!("archwright-trainer: {problem}");
    ExitCode::from(2)
}
