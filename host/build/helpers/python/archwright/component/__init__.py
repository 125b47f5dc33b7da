"""The plugin's side of the contract. Only what runs inside of a component imports it."""
