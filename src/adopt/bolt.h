// A bucket of a Bolt database, as Docker keeps what it knows of its volumes (volumes/metadata.db): read only, out of
// the whole file. Bytes of disks are untrusted. Thread side: any; pure.
// Source: bbolt 1.3, page.go, db.go and bucket.go; version 2 of the format.
//
//   page     id u64 │ flags u16 │ count u16 │ pages behind it that belong to it u32 │ elements
//   meta     magic u32 │ version u32 │ page size u32 │ flags u32 │ root bucket │ … │ transaction u64 │ FNV-1a u64
//   bucket   its first page u64 │ sequence u64 │ that page itself, where the number is 0
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"

namespace diatom::adopt {

// In the order of their keys, without buckets in it. not_found: there is no such bucket; corrupt: the file is no
// database, or a damaged one.
Result<std::vector<std::pair<std::string, std::string>>> read_bolt_bucket(std::string_view file,
                                                                          std::string_view bucket);

}  // namespace diatom::adopt
