//! The database behind a house, reached past the server.

use sqlx::{
    AnyConnection, AssertSqlSafe, Connection as _, Executor as _, PgConnection, any::AnyRow,
};

use super::House;

/// A database of its own on a server.
pub struct Postgres {
    admin: PgConnection,
    name: String,
    pub url: String,
}

impl Postgres {
    pub async fn new(server: &str) -> Self {
        let mut admin = PgConnection::connect(server).await.unwrap();
        let name = format!("mc_{}", uuid::Uuid::now_v7().simple());
        let sql = AssertSqlSafe(format!("CREATE DATABASE {name}"));
        admin.execute(sql).await.unwrap();
        let (base, _) = server.rsplit_once('/').unwrap();
        let url = format!("{base}/{name}");
        Self { admin, name, url }
    }

    pub async fn drop(mut self) {
        let sql = AssertSqlSafe(format!("DROP DATABASE {} WITH (FORCE)", self.name));
        self.admin.execute(sql).await.unwrap();
    }
}

impl House {
    pub fn is_postgres(&self) -> bool {
        self.database_url.starts_with("postgres")
    }

    /// A connection of one's own.
    pub async fn connection(&self) -> AnyConnection {
        AnyConnection::connect(&self.database_url).await.unwrap()
    }

    /// Changes rows; how many.
    pub async fn sql(&self, sql: &'static str, texts: &[&str]) -> u64 {
        let mut query = sqlx::query(sql);
        for text in texts {
            query = query.bind((*text).to_owned());
        }
        let done = query.execute(&mut self.connection().await).await.unwrap();
        done.rows_affected()
    }

    /// The rows of a question.
    pub async fn rows(&self, sql: &'static str) -> Vec<AnyRow> {
        let mut connection = self.connection().await;
        sqlx::query(sql).fetch_all(&mut connection).await.unwrap()
    }
}
