// Records as text: for people, as JSON, and in systemd's Journal Export Format, which its journal tools and others
// read. Thread side: any. Source: systemd.io/JOURNAL_EXPORT_FORMATS, systemd.journal-fields(7).
#pragma once

#include <string>

#include "journal/record.h"

namespace diatom::journal {

struct Host {
    std::string name, machine_id;  // 32 hexadecimal digits
    static Host read();
};

std::string format_short(const Record& record);  // "2026-11-23T10:56:26.123456Z unit: text name=value", without newline
std::string format_json(const Record& record);   // one object
std::string format_export(const Record& record, const Host& host);  // an entry with the empty line that ends it

// " name=value …", quoted where it must be.
std::string fields_text(const Record& record);

}  // namespace diatom::journal
