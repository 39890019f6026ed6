//! Many settings times many seeds, cut into cells: what outgrows one machine. A cell is one command and
//! leaves one directory, so any engine that runs commands can spread them (Slurm's job arrays, GNU
//! parallel, Kubernetes' indexed jobs); `merge` puts the directories together. See `spec/simulations.md`.

use crate::scene::{SceneError, Setting};

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its number, from 0 on.
    pub number: usize,
    /// What is set.
    pub settings: Vec<Setting>,
    /// Its first seed.
    pub from: u64,
    /// How many seeds.
    pub count: u64,
}

impl Cell {
    /// The name of its directory.
    pub fn folder(&self) -> String {
        format!("cell-{:05}", self.number)
    }
}

/// A setting with several values: `storm.lost=10,30,50`.
pub fn values(text: &str) -> Result<Vec<Setting>, SceneError> {
    let (path, values) = text
        .split_once('=')
        .ok_or_else(|| SceneError::Setting(text.to_owned()))?;
    values
        .split(',')
        .map(|value| format!("{path}={value}").parse())
        .collect()
}

/// Every combination of the values, each with seeds in portions of at most `per_cell`.
pub fn cells(axes: &[Vec<Setting>], from: u64, seeds: u64, per_cell: u64) -> Vec<Cell> {
    let mut grid: Vec<Vec<Setting>> = vec![Vec::new()];
    for axis in axes {
        let with = |settings: &Vec<Setting>| {
            let settings = settings.clone();
            axis.iter()
                .map(move |setting| [settings.as_slice(), std::slice::from_ref(setting)].concat())
        };
        grid = grid.iter().flat_map(with).collect();
    }
    let mut cells = Vec::new();
    for settings in grid {
        let mut begun = 0;
        while begun < seeds {
            let count = per_cell.max(1).min(seeds - begun);
            cells.push(Cell {
                number: cells.len(),
                settings: settings.clone(),
                from: from + begun,
                count,
            });
            begun += count;
        }
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_all_combinations_and_all_seeds_once() {
        let axes = [
            values("storm.lost=10,30").unwrap(),
            values("storm.drops=1,2,3").unwrap(),
        ];
        let cells = cells(&axes, 5, 7, 3);
        assert_eq!(cells.len(), 2 * 3 * 3);
        assert!(cells.iter().enumerate().all(|(at, cell)| cell.number == at));
        let first: Vec<(u64, u64)> = cells.iter().take(3).map(|cell| (cell.from, cell.count)).collect();
        assert_eq!(first, [(5, 3), (8, 3), (11, 1)]);
        let told: Vec<String> = cells[0].settings.iter().map(Setting::to_string).collect();
        assert_eq!(told, ["storm.lost=10", "storm.drops=1"]);
        assert_eq!(super::cells(&[], 1, 4, 100).len(), 1);
        assert!(values("storm.lost").is_err());
    }
}
