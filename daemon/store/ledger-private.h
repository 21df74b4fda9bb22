/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the ledger: its record, its marks and its origins.
 */
#pragma once

#include "daemon/store/ledger.h"

#define EHD_MARKS_SUFFIX   ".marks"
#define EHD_ORIGINS_SUFFIX ".origins"

struct EhdLedger {
    const EhdSeal *seal; /* borrowed */
    int fd;              /* borrowed */
};
