//! Completions and the man page, from the definitions in `args`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::args::Args;
use super::{Exit, print};
use crate::error::Error;

/// Prints completions for a shell.
pub fn completions(shell: Shell) -> Result<Exit, Error> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), "certcensus", &mut out);
    print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Done)
}

/// Prints the man pages of the program and its subcommands, one after the other.
pub fn man() -> Result<Exit, Error> {
    let mut command = Args::command();
    command.build();
    let mut out = Vec::new();
    let pages = std::iter::once(command.clone()).chain(command.get_subcommands().cloned());
    for page in pages.filter(|page| page.get_name() != "help") {
        clap_mangen::Man::new(page).render(&mut out).map_err(Error::io("standard output"))?;
    }
    print(&String::from_utf8_lossy(&out))?;
    Ok(Exit::Done)
}
