//! `certcensus schema`: the tables and columns of a report, from the lists that write them.

use serde_json::json;

use super::args::Schema;
use super::{Exit, print};
use crate::error::Error;
use crate::table::{TABLES, Table};

/// Prints one table or all of them.
pub fn run(options: &Schema) -> Result<Exit, Error> {
    let tables: Vec<&Table> = match &options.table {
        None => TABLES.to_vec(),
        Some(name) => TABLES.iter().copied().filter(|t| t.name == name).collect(),
    };
    if tables.is_empty() {
        let names: Vec<_> = TABLES.iter().map(|t| t.name).collect();
        return Err(Error::Usage(format!("no such table; there are {}", names.join(", "))));
    }
    if options.json {
        let list = tables.iter().map(|t| {
            let columns = t
                .columns
                .iter()
                .map(|c| json!({"name": c.name, "type": c.type_name(), "description": c.resolved_doc()}));
            json!({"table": t.name, "description": t.doc, "columns": serde_json::Value::from_iter(columns)})
        });
        print(&format!("{:#}\n", serde_json::Value::from_iter(list)))?;
        return Ok(Exit::Done);
    }
    let mut text = String::new();
    for table in tables {
        text += &format!("{}: {}\n", table.name, table.doc);
        for column in table.columns {
            text += &format!("  {:<30} {:<20} {}\n", column.name, column.type_name(), column.resolved_doc());
        }
        text += "\n";
    }
    print(text.trim_end())?;
    print("\n")?;
    Ok(Exit::Done)
}
