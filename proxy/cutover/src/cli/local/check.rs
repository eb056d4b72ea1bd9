//! `cutover check`

use cutover_domain::compare::{VOLATILE, Volatile, VolatilePart};
use serde_json::json;

use super::{count, invalid, reach, tell};
use crate::{
    cli::{
        args::{Check, Global},
        exit::{Exit, Failure},
        io::Io,
        output::print_json,
    },
    config::{self, Config, Depth, Loaded, shown},
};

pub(in crate::cli) fn run(args: &Check, global: &Global, io: &mut Io<'_>) -> Result<Exit, Failure> {
    let depth = if args.no_files { Depth::WithoutFiles } else { Depth::Whole };
    let loaded = config::load(&args.path, &io.environment, depth);
    let online = match &loaded.config {
        Some(config) if args.online => reach::all(config, global.timeout),
        _ => Vec::new(),
    };
    let refused = args.deny_warnings && loaded.report.warnings() > 0;
    let unreachable = online.iter().any(|found| found.problem.is_some());
    if global.output.is_json() {
        let document = json!({
            "valid": loaded.config.is_some() && !refused,
            "files": loaded.files,
            "diagnostics": loaded.report.to_json(&loaded.sources),
            "online": online,
            "volatile": args.explain.then(|| VOLATILE.iter().map(volatile).collect::<Vec<_>>()),
            "effective": loaded.config.as_ref().filter(|_| args.explain).map(|c| &c.document),
        });
        print_json("Check", &document, global.output, io)?;
    } else {
        tell(&loaded, io);
        for found in &online {
            io.tell(&found.line());
        }
        if let Some(config) = &loaded.config {
            print(args, config, &loaded, io)?;
        }
    }
    match &loaded.config {
        None => Err(invalid(&loaded.report)),
        Some(_) if refused => {
            let message = format!(
                "the configuration has {}, and warnings are denied",
                count(loaded.report.warnings(), "warning")
            );
            Err(Failure::new("warnings_denied", message).exit(Exit::InvalidConfig))
        }
        Some(_) if unreachable => Err(Failure::new(
            "no_answer",
            "the configuration is valid, but not all it names answers",
        )
        .hint("start what is missing, or correct its address")),
        Some(_) => Ok(Exit::Done),
    }
}

/// The built-in list, as comments below the configuration.
fn print_volatile(io: &mut Io<'_>) -> Result<(), Failure> {
    writeln!(
        io.out,
        "\n# Header fields that are not compared, as any two answers differ in them. A rule with \
         `compare = true`\n# at `header.NAME` has one compared all the same.\n#"
    )?;
    let width = VOLATILE.iter().map(|field| field.name.len()).max().unwrap_or_default();
    for Volatile { name, part, reason } in VOLATILE {
        let part = match part {
            VolatilePart::Field => "",
            VolatilePart::Value => "only its value: ",
        };
        writeln!(io.out, "#   {name:width$}  {part}{reason}")?;
    }
    Ok(())
}

fn volatile(field: &Volatile) -> serde_json::Value {
    let part = match field.part {
        VolatilePart::Field => "field",
        VolatilePart::Value => "value",
    };
    json!({ "name": field.name, "part": part, "reason": field.reason })
}

fn print(args: &Check, config: &Config, loaded: &Loaded, io: &mut Io<'_>) -> Result<(), Failure> {
    if args.explain {
        let text = toml::to_string(&config.document)
            .map_err(|error| Failure::new("internal", error.to_string()))?;
        write!(io.out, "{text}")?;
        return print_volatile(io);
    }
    let declaration = &config.declaration;
    let summary = [
        count(declaration.routes.len(), "route"),
        count(declaration.groups.len(), "group"),
        count(declaration.upstreams.len(), "upstream"),
        count(config.settings.listeners.len(), "listener"),
    ];
    let warnings = match loaded.report.warnings() {
        0 => String::new(),
        number => format!(", {}", count(number, "warning")),
    };
    writeln!(io.out, "{} is valid: {}{warnings}", shown(&config.path), summary.join(", "))?;
    Ok(())
}
