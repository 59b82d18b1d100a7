//! `--init FILE.json`: values to start from, as the record that the `init` entry takes.

use serde_json::Value;

/// `{"mu": 3, "beta": [1, 2]}` to `{mu: 3, beta: [1, 2]}`, or why not.
pub fn record(bytes: &[u8]) -> Result<String, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
    let Value::Object(entries) = value else { return Err("it is no object".into()) };
    let entries: Vec<String> = entries
        .iter()
        .map(|(name, value)| Ok(format!("{name}: {}", text(name, value)?)))
        .collect::<Result<_, String>>()?;
    Ok(format!("{{{}}}", entries.join(", ")))
}

fn text(name: &str, value: &Value) -> Result<String, String> {
    match value {
        Value::Number(number) => Ok(number.to_string()),
        Value::Array(list) => {
            let list: Vec<String> = list.iter().map(|value| text(name, value)).collect::<Result<_, _>>()?;
            Ok(format!("[{}]", list.join(", ")))
        }
        other => Err(format!("`{name}` is {other}, no number")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_becomes_a_record() {
        assert_eq!(record(br#"{"mu": 3, "b": [[1.5, -2], [0, 1e-7]]}"#).unwrap(), "{mu: 3, b: [[1.5, -2], [0, 1e-7]]}");
        assert_eq!(record(br#"{"mu": "x"}"#).unwrap_err(), "`mu` is \"x\", no number");
        assert!(record(b"[1]").is_err());
    }
}
