//! Tokens, with the store and without.

use super::*;

pub(super) fn token(name: &str, role: &str, expires_ms: Option<u64>) -> Token {
    let sha256 = crate::token::hash(name);
    Token { name: name.into(), role: role.into(), sha256, created_ms: 0, expires_ms }
}

fn put(sim: &mut Sim, token: Token, bootstrap: bool) -> Result<Done, Refused> {
    sim.ask(Ask::PutToken { edit: TokenEdit::Put(token), bootstrap })
}

fn remove(sim: &mut Sim, name: &str) -> Result<Done, Refused> {
    sim.ask(Ask::RemoveToken { name: name.into(), now_ms: 50 })
}

#[test]
fn names_are_unique_and_the_last_admin_stays() {
    let mut sim = Sim::new("read legacy");
    assert_eq!(code(&put(&mut sim, token("ann", "admin", None), false)), "ok");
    assert_eq!(code(&put(&mut sim, token("ann", "viewer", None), false)), "token_exists");
    assert_eq!(code(&put(&mut sim, token("old", "admin", Some(50)), false)), "ok");
    assert_eq!(code(&remove(&mut sim, "nobody")), "unknown_token");
    assert_eq!(code(&remove(&mut sim, "ann")), "last_admin", "`old` has expired");
    assert_eq!(code(&put(&mut sim, token("bob", "admin", Some(51)), false)), "ok");
    assert_eq!(code(&remove(&mut sim, "ann")), "ok");
    assert_eq!(code(&remove(&mut sim, "old")), "ok");
    sim.assert_in_step();
}

#[test]
fn without_the_store_tokens_can_be_removed_but_not_made() {
    let mut sim = Sim::new("read legacy");
    put(&mut sim, token("ann", "admin", None), false).unwrap();
    put(&mut sim, token("leaked", "admin", None), false).unwrap();
    sim.store.fault = Some(FaultKind::Busy);
    assert_eq!(code(&put(&mut sim, token("new", "viewer", None), false)), "store_unreachable");
    assert_eq!(code(&remove(&mut sim, "leaked")), "ok");
    assert_eq!(sim.machine.truth().tokens.len(), 1);
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.store.snapshot.tokens.len(), 1);
}

#[test]
fn the_first_token_can_be_made_without_the_store() {
    let sim = Sim::new("read legacy");
    let mut sim = sim;
    sim.store.fault = Some(FaultKind::Gone);
    let mut sim = sim.restart("read legacy");
    assert_eq!(code(&put(&mut sim, token("admin", "admin", None), true)), "ok");
    sim.store_back();
    sim.assert_in_step();
    assert_eq!(sim.store.snapshot.tokens[0].name, "admin");
}
