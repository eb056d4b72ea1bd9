//! `cutover token create | list | remove`: tokens of the admin API.

use cutover_control::{
    Role,
    api::{TokenAnswer, TokenBody, TokenRow, TokensAnswer},
};

use super::segment;
use crate::cli::{
    admin::Client,
    args::{self, Global, TokenCommand},
    exit::{Exit, Failure},
    io::Io,
    output::{print_json, print_list, print_table, table, utc},
};

pub(in crate::cli) fn run(
    command: &TokenCommand,
    global: &Global,
    io: &mut Io<'_>,
) -> Result<Exit, Failure> {
    let client = Client::connect(global, io)?;
    match command {
        TokenCommand::Create { role, name, ttl } => {
            let body = TokenBody {
                name: name.clone(),
                role: self::role(*role),
                ttl_seconds: Some(ttl.as_secs()),
            };
            let answer: TokenAnswer = client.post("/api/v1/tokens", &body)?.body;
            if global.output.is_json() {
                print_json("Token", &answer, global.output, io)?;
            } else {
                let until = answer.row.expires_at_ms.map(utc).unwrap_or_else(|| "ever".to_owned());
                io.tell(&format!(
                    "token `{name}`, {}, valid until {until}; it is shown this once",
                    role.as_str()
                ));
                writeln!(io.out, "{}", answer.token)?;
            }
        }
        TokenCommand::List => {
            let answer: TokensAnswer = client.get("/api/v1/tokens")?;
            match global.output.is_json() {
                true => print_list("Token", &answer.tokens, global.output, io)?,
                false => print_rows(&answer.tokens, io)?,
            }
        }
        TokenCommand::Remove { name } => {
            client.delete(&format!("/api/v1/tokens/{}", segment(name)))?;
            io.tell(&format!("token `{name}` works no more"));
        }
    }
    Ok(Exit::Done)
}

fn print_rows(rows: &[TokenRow], io: &mut Io<'_>) -> Result<(), Failure> {
    let mut table = table(&["NAME", "ROLE", "CREATED", "EXPIRES"]);
    for row in rows {
        let expires = match (row.expires_at_ms, row.expired) {
            (None, _) => "never".to_owned(),
            (Some(at_ms), false) => utc(at_ms),
            (Some(at_ms), true) => format!("{} (expired)", utc(at_ms)),
        };
        table.add_row([row.name.clone(), row.role.clone(), utc(row.created_at_ms), expires]);
    }
    print_table(&table, io)
}

fn role(role: args::Role) -> Role {
    match role {
        args::Role::Viewer => Role::Viewer,
        args::Role::Operator => Role::Operator,
        args::Role::Migrator => Role::Migrator,
        args::Role::Approver => Role::Approver,
        args::Role::Admin => Role::Admin,
    }
}
