//! `certcensus formats`: the list the scanner uses, for people.

use serde_json::json;

use super::args::Formats;
use super::{Exit, print};
use crate::error::Error;
use crate::format::FORMATS;

/// Prints the formats.
pub fn run(options: &Formats) -> Result<Exit, Error> {
    if options.json {
        let list = FORMATS.iter().map(|f| {
            json!({
                "name": f.name, "title": f.title, "usual_names": f.usual_names, "is_read": f.is_read(),
                "yields": f.yields, "source": f.source,
            })
        });
        print(&format!("{:#}\n", serde_json::Value::from_iter(list)))?;
        return Ok(Exit::Done);
    }
    let mut text = String::from("Formats are found by content, never by name.\n");
    for (heading, is_read) in [("Read", true), ("Recognised, not read yet (status unsupported)", false)] {
        text += &format!("\n{heading}\n");
        for f in FORMATS.iter().filter(|f| f.is_read() == is_read) {
            text += &format!("  {:<22} {} ({})\n", f.name, f.title, f.usual_names);
            text += &format!("  {:<22}   {}\n  {:<22}   source: {}\n", "", f.yields, "", f.source);
        }
    }
    print(&text)?;
    Ok(Exit::Done)
}
