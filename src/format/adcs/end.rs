//! What an output says of its rows at its end, and what was read of them.

/// The rows of one output.
#[derive(Debug, Default)]
pub struct Count {
    /// How many were read.
    rows: u64,
    /// The number of the last one.
    last: i64,
    /// The greatest number that the output names.
    pub greatest: Option<i64>,
}

impl Count {
    /// All rows before this one, where rows are known to follow one another.
    pub fn before(number: i64) -> Self {
        let last = number.saturating_sub(1);
        Count { rows: u64::try_from(last).unwrap_or_default(), last, greatest: None }
    }

    /// The number of the last row.
    pub fn last(&self) -> i64 {
        self.last
    }

    /// Counts a row; what to say where others are missing before it.
    pub fn add(&mut self, number: i64) -> Option<String> {
        let last = std::mem::replace(&mut self.last, number);
        self.rows += 1;
        (last.checked_add(1) != Some(number)).then(|| format!("row {number} follows row {last}"))
    }

    /// The number of the next row.
    pub fn next(&self) -> Option<i64> {
        self.last.checked_add(1)
    }

    /// What to say where the output has another number of rows than were read.
    pub fn difference(&self, told: u64) -> Option<String> {
        let greatest = self.greatest.unwrap_or_default();
        (told != self.rows || greatest != self.last).then(|| {
            format!(
                "the output ends with {told} rows, the last of them {greatest}; {} were read, the last of them {}",
                self.rows, self.last
            )
        })
    }
}
