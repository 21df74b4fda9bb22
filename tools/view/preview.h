/* SPDX-License-Identifier: Apache-2.0
 *
 * A small picture of a file that is not for us to decode: the first page of a PDF, a DICOM, a
 * TIFF, a large JPEG or PNG. Somebody else's bytes go into somebody else's decoder, so that
 * runs as a process of its own: in a sandbox of bubblewrap (nothing but /usr, the file itself,
 * and its own /tmp; no network, no capability), bounded in processor time, memory, output and
 * patience. Without bubblewrap or the decoder there is no preview.
 */
#pragma once

#include "tools/view/record.h"

/* PNG, or NULL. Blocks, for some seconds at worst. */
GBytes *view_preview(const ViewRecord *record);
