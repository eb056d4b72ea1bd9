//! `cutover man`

use crate::cli::{
    args::Man,
    command,
    exit::{Exit, Failure},
    io::Io,
};

pub(in crate::cli) fn run(args: &Man, io: &mut Io<'_>) -> Result<Exit, Failure> {
    match &args.dir {
        None => clap_mangen::Man::new(command()).render(&mut io.out)?,
        Some(dir) => {
            let place = dir.display().to_string();
            let written = std::fs::create_dir_all(dir)
                .and_then(|()| clap_mangen::generate_to(command(), dir));
            written.map_err(|error| {
                let message = format!("the manual cannot be written to `{place}`: {error}");
                Failure::new("output", message).hint("name a directory that you may write")
            })?;
            io.tell(&format!("wrote the manual to {place}"));
        }
    }
    Ok(Exit::Done)
}
