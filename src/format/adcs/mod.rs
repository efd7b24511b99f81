//! The database of an AD CS certification authority, as `certutil -view` prints it: rows as text, and rows as CSV.
//!
//! Each row of the Request table is an enrolment. The CA keeps which provider the client declared, in a block of
//! attributes behind the columns and in the request itself. Both are told of, neither proves anything.

use super::text;
use super::{Border, Format, Head};

pub mod csv;

mod attributes;
mod cut;
mod emit;
mod end;
mod lines;
mod reader;
mod row;
mod schema;
mod value;

#[cfg(test)]
mod tests;

/// `certutil -view`.
pub static FORMAT: Format = Format {
    name: "adcs_text",
    title: "AD CS database rows (certutil -view)",
    usual_names: "*.txt",
    yields: "an enrolment a row: declared provider, machine, template, marks of attestation; printed certificates",
    source: "certutil -view (AD CS); MS-CSRA 3.1.1; MS-WCCE 2.2.2.7",
    sniff: is_view,
    read: Some(reader::read),
    unpack: None,
    border: Some(Border::Counted(cut::borders)),
};

/// There is a schema. Rows without one cannot be read in a language that is not known.
pub(crate) fn is_view(head: &Head<'_>) -> bool {
    schema::is_in(&text::head(head))
}
