//! `cutover slo rules`

use std::path::Path;

use crate::{
    cli::{
        admin::url_of,
        args::SloRules,
        exit::{Exit, Failure},
        io::Io,
        local::load,
    },
    config::{AdminConfig, Config, Depth},
    slo::{
        fixed,
        rules::{Making, of_objective},
        unit_tests, yaml,
    },
};

/// Names of the files that `--out` writes.
const OBJECTIVES: &str = "objectives.yaml";
const PROCESS: &str = "process.yaml";

pub(in crate::cli) fn run(args: &SloRules, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let config = load(&args.config, Depth::WithoutFiles, io)?;
    let making = making(args, &config);
    let objectives: Vec<_> =
        config.objectives.iter().map(|objective| of_objective(objective, &making)).collect();
    let process = [fixed::group(&making)];
    let Some(dir) = &args.out else {
        let all: Vec<_> = objectives.into_iter().chain(process).collect();
        write!(io.out, "{}", yaml::groups(&all))?;
        return Ok(Exit::Done);
    };
    let tests = unit_tests::of_objectives(OBJECTIVES, &config.objectives);
    let files = [
        (OBJECTIVES, yaml::groups(&objectives)),
        ("objectives_test.yaml", tests),
        (PROCESS, yaml::groups(&process)),
        ("process_test.yaml", unit_tests::of_process(PROCESS)),
    ];
    // The tests are about real windows; shortened rules have none.
    let is_real = args.scale == crate::slo::Scale::REAL;
    for (name, text) in files.iter().filter(|(name, _)| is_real || !name.ends_with("_test.yaml")) {
        write_told(dir, name, text, io)?;
    }
    Ok(Exit::Done)
}

fn write_told(dir: &Path, name: &str, text: &str, io: &mut Io<'_>) -> Result<(), Failure> {
    let path = dir.join(name);
    super::write(&path, text)?;
    Ok(writeln!(io.out, "{}", path.display())?)
}

/// Where people reach the console: by the first name that is one, else on its own machine.
fn console(admin: &AdminConfig) -> String {
    let mut names = admin.hosts.iter().map(ToString::to_string);
    match names.find(|name| !name.contains('*')) {
        Some(name) => {
            let scheme = if admin.tls.is_some() { "https" } else { "http" };
            format!("{scheme}://{name}:{}", admin.listen.port())
        }
        None => url_of(admin),
    }
}

fn making(args: &SloRules, config: &Config) -> Making {
    let console = console(&config.admin);
    let or = |given: &Option<String>, default: String| {
        given.as_deref().map_or(default, |url| url.trim_end_matches('/').to_owned())
    };
    Making {
        runbooks: or(&args.runbooks, format!("{console}/runbooks")),
        dashboards: or(&args.dashboards, console),
        scale: args.scale,
    }
}
