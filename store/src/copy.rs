//! A consistent copy of a SQLite database while somebody else writes to it.

use std::path::Path;

use sea_orm::{ConnectOptions, ConnectionTrait, Database};

use crate::Error;

/// Copies the SQLite database in the file `from` into the new file `to`, as of one moment, without stopping its writers.
/// The copy needs no log beside it. The schema is left as it is.
pub async fn copy_sqlite(from: &Path, to: &Path) -> Result<(), Error> {
    let mut options = ConnectOptions::new(format!("sqlite:{}?mode=rw", from.display()));
    options.max_connections(1).sqlx_logging(false);
    let database = Database::connect(options).await?;
    // A text in SQL ends at a single quote, unless it is written twice.
    let target = to.to_string_lossy().replace('\'', "''");
    // "VACUUM INTO" reads inside one transaction (https://www.sqlite.org/lang_vacuum.html#vacuuminto).
    let copied = database.execute_unprepared(&format!("VACUUM INTO '{target}'")).await;
    database.close().await?;
    copied?;
    Ok(())
}
