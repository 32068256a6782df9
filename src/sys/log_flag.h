// A file by whose name, in the directory of a log's sink, anything is logged for as long as it is there, whatever the
// sink's least level is: for who looks for a mistake in a machine that runs. Thread side: any.
#pragma once

namespace diatom::log {

inline constexpr const char* kDebugFlag = "debug";

}  // namespace diatom::log
