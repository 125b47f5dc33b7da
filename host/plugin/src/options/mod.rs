//! A plugin's options: its JSON Schema, and what it says of given options.
//!
//! Plugins are hostile until checked, and so are their schemas: the part of JSON Schema understood here (what schema
//! generators make of plain structures and enums) has no patterns to match and no recursion to follow, so that checking
//! takes time in proportion to the schema. A keyword outside of it is refused when the plugin is loaded, never ignored.

mod check;
mod schema;

pub(crate) use check::Problem;
pub(crate) use schema::Schema;

use serde_json::{Map, Value};

impl Schema {
    /// `given` with the defaults of absent options filled in, whole numbers written as such.
    pub(crate) fn complete(&self, given: &Map<String, Value>) -> Result<Value, Problem> {
        check::object(self.root(), given, "")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Schema;

    fn schema() -> Schema {
        // What schemars makes of a structure with an optional number, an enum, an optional enum and a nested structure.
        Schema::compile(&json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "title": "Options",
            "type": "object",
            "properties": {
                "population": { "type": "integer", "format": "uint32", "minimum": 1, "default": 100 },
                "rate": { "type": "number", "exclusiveMinimum": 0.0, "maximum": 1.0, "default": 0.5 },
                "patience": { "type": ["integer", "null"], "format": "uint8", "minimum": 0, "maximum": 255, "default": null },
                "survival": { "$ref": "#/$defs/Survival", "default": "oldest" },
                "fallback": { "anyOf": [{ "$ref": "#/$defs/Survival" }, { "type": "null" }] },
                "rungs": { "type": "array", "items": { "type": "integer", "minimum": 1 }, "minItems": 1 },
                "kernel": {
                    "type": "object",
                    "properties": { "scale": { "type": "number", "default": 1.0 } },
                    "additionalProperties": false
                },
            },
            "additionalProperties": false,
            "$defs": { "Survival": { "oneOf": [
                { "type": "string", "const": "oldest", "description": "The one asked for first." },
                { "type": "string", "const": "worst" },
            ] } },
        }))
        .unwrap()
    }

    fn complete(given: Value) -> Result<Value, String> {
        schema().complete(given.as_object().unwrap()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn defaults_are_filled_in() {
        let expected = json!({ "population": 100, "rate": 0.5, "patience": null, "survival": "oldest" });
        assert_eq!(complete(json!({})).unwrap(), expected);
    }

    #[test]
    fn given_values_are_kept() {
        let given = json!({
            "population": 7, "rate": 1, "patience": 3, "survival": "worst", "fallback": "oldest", "rungs": [1, 3],
            "kernel": {},
        });
        let mut expected = given.clone();
        expected["kernel"] = json!({ "scale": 1.0 });
        assert_eq!(complete(given).unwrap(), expected);
    }

    #[test]
    fn whole_reals_become_integers() {
        assert_eq!(complete(json!({ "population": 7.0 })).unwrap()["population"], json!(7));
    }

    #[test]
    fn messages_say_what_is_accepted() {
        let check = |given: Value, expected: &str| assert_eq!(complete(given).unwrap_err(), expected);
        check(json!({ "populaton": 7 }), "`populaton`: there is no such option; did you mean `population`?");
        check(
            json!({ "zzz": 7 }),
            "`zzz`: there is no such option; there are `fallback`, `kernel`, `patience`, `population`, `rate`, `rungs`, \
             `survival`",
        );
        check(json!({ "population": 0 }), "`population`: it has to be a whole number from 1 to 4294967295, not 0");
        check(
            json!({ "population": "7" }),
            "`population`: it has to be a whole number from 1 to 4294967295, not \"7\"",
        );
        check(
            json!({ "population": 1e18 }),
            "`population`: it has to be a whole number from 1 to 4294967295, not 1e+18",
        );
        check(json!({ "rate": 0 }), "`rate`: it has to be a number above 0 and at most 1, not 0");
        check(json!({ "patience": 300 }), "`patience`: it has to be a whole number from 0 to 255 or null, not 300");
        check(
            json!({ "survival": "oldst" }),
            "`survival`: it has to be \"oldest\" or \"worst\", not \"oldst\"; did you mean `oldest`?",
        );
        check(json!({ "fallback": 3 }), "`fallback`: it has to be \"oldest\" or \"worst\" or null, not 3");
        check(
            json!({ "rungs": [] }),
            "`rungs`: it has to be a list of whole numbers (at least 1 of them), not a list of 0",
        );
        check(json!({ "rungs": [2, 0] }), "`rungs[1]`: it has to be a whole number of at least 1, not 0");
        check(json!({ "kernel": { "scal": 1 } }), "`kernel.scal`: there is no such option; did you mean `scale`?");
    }

    #[test]
    fn a_required_option_has_to_be_given() {
        let schema = Schema::compile(&json!({
            "type": "object",
            "properties": { "file": { "type": "string", "minLength": 1 } },
            "required": ["file"],
        }))
        .unwrap();
        let problem = schema.complete(&serde_json::Map::new()).unwrap_err();
        assert_eq!(problem.to_string(), "`file`: it is missing; it has to be a text (at least 1 character)");
    }

    #[test]
    fn schemas_outside_the_subset_are_refused() {
        let check = |schema: Value, expected: &str| {
            assert_eq!(Schema::compile(&schema).map(drop).unwrap_err().to_string(), expected);
        };
        check(json!([]), "`#`: a schema is an object");
        check(json!({ "type": "string" }), "`#`: the options as a whole have to be of type \"object\"");
        check(
            json!({ "type": "object", "properties": { "a": { "pattern": ".*" } } }),
            "`#/properties/a/pattern`: the keyword is not supported",
        );
        check(
            json!({ "type": "object", "properties": { "a": { "type": "integer", "default": 1.5 } } }),
            "`#/properties/a/default`: it has to be a whole number, not 1.5",
        );
        check(
            json!({ "type": "object", "properties": { "a": { "$ref": "#/$defs/A" } },
                    "$defs": { "A": { "type": "array", "items": { "$ref": "#/$defs/A" } } } }),
            "`#/$defs/A/items`: schemas nested deeper than 16 levels, or within themselves, are not supported",
        );
        check(
            json!({ "type": "object", "properties": { "a": { "$ref": "https://example.org" } } }),
            "`#/properties/a/$ref`: only references to \"#/$defs/...\" are supported",
        );
    }

    /// Each reference is a copy of what it refers to.
    #[test]
    fn schemas_that_multiply_are_refused() {
        let check = |large: Value| {
            let references: Vec<_> = (0..2_000).map(|_| json!({ "$ref": "#/$defs/Large" })).collect();
            let schema = json!({
                "type": "object",
                "properties": { "a": { "anyOf": references } },
                "$defs": { "Large": large },
            });
            let problem = Schema::compile(&schema).map(drop).unwrap_err().to_string();
            assert!(problem.contains("more than 10000 schemas and values"), "{problem}");
        };
        check(json!({ "enum": (0..5_000).collect::<Vec<_>>() }));
        check(json!({ "const": "x".repeat(100_000) }));
        check(json!({ "type": "array", "default": vec![0; 5_000] }));
        check(json!({ "type": "object", "required": vec!["a"; 5_000] }));
    }
}
