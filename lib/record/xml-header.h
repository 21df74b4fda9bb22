/* SPDX-License-Identifier: Apache-2.0
 *
 * What the header of a CDA R2 document, or the first elements of FHIR XML, say of it: type,
 * date, custodian, and the names to be kept out of the manifest. GLib's parser, which knows no
 * document types: entities of the document are an error there, and end the reading.
 */
#pragma once

#include "lib/record/describe.h"

void erec_xml_describe(ErecSource *source, ErecDescription *description);
