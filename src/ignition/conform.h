// A document held against the table: what is of no known name or of a later version is left out and warned of, as
// Ignition does; a value of another form, or an entry that stands twice, is a problem. Thread side: any.
#pragma once

#include "ignition/report.h"
#include "ignition/schema.h"

namespace diatom::ignition {

struct Language {
    int minor = kNewestMinor;  // of Ignition 3, what Butane's version becomes
    bool butane = false;
};

// With Ignition's names, without nulls. Of Butane, what only it has stands under the table's names.
Value conform(const Value& document, Language language, Report& report);

}  // namespace diatom::ignition
