/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service says to people is English on the bus, and whoever shows it translates it
 * (tools/common/words-service.h). N_() marks a sentence for that, in the files that
 * tools/po/POTFILES lists; tests/tools/words.py reads every source and holds that none is
 * forgotten. What varies stands apart: a finding has its arguments, any other detail has it
 * behind or before a colon. Where it must stand inside ("%u bytes, where 1 to %u are
 * allowed"), the sentence is not marked, and tools/common/words-forms.c has its form.
 */
#pragma once

#define N_(text) text
