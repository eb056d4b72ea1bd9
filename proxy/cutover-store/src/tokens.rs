//! Credentials of the admin API, as hashes.

use crate::{Store, fault::Fault, fault::TokenError, rows::Token, rows::signed};

impl Store {
    /// Stores a token. Fails with [`TokenError::Exists`] if its name is taken.
    pub async fn put_token(&self, token: &Token) -> Result<(), TokenError> {
        const DOING: &str = "store a token";
        self.check_present(DOING)?;
        let done = sqlx::query(
            "INSERT INTO token (name, role, sha256, created_ms, expires_ms)
             VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )
        .bind(&token.name)
        .bind(&token.role)
        .bind(token.sha256.as_slice())
        .bind(signed(token.created_ms))
        .bind(token.expires_ms.map(signed))
        .execute(&self.pool)
        .await
        .map_err(self.fault(DOING))?;
        match done.rows_affected() {
            0 => Err(TokenError::Exists(token.name.clone())),
            _ => Ok(()),
        }
    }

    /// Removes a token; `false` if there is none of that name. It stops working at once.
    pub async fn remove_token(&self, name: &str) -> Result<bool, Fault> {
        const DOING: &str = "remove a token";
        self.check_present(DOING)?;
        let done = sqlx::query("DELETE FROM token WHERE name = ?")
            .bind(name)
            .execute(&self.pool)
            .await
            .map_err(self.fault(DOING))?;
        Ok(done.rows_affected() > 0)
    }
}
