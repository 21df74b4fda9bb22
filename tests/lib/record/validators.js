// SPDX-License-Identifier: Apache-2.0
// validators.js FILE…: for each file one JSON line with the number of errors that two public FHIR R4 validators find.
const fs = require('fs');
const { Fhir } = require('fhir');
const SchemaValidator = require('@asymmetrik/fhir-json-schema-validator');

const fhir = new Fhir();
const schema = new SchemaValidator();
for (const file of process.argv.slice(2)) {
    const record = JSON.parse(fs.readFileSync(file));
    const messages = fhir.validate(record, { errorOnUnexpected: true }).messages || [];
    const errors = messages.filter((m) => m.severity === 'error' || m.severity === 'fatal');
    console.log(JSON.stringify({ file, fhir: errors.length, schema: schema.validate(record).length }));
}
