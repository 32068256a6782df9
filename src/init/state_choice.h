// Which device holds the machine's state, and what must be done to it first. A pure decision. Thread side: any.
//
//   file system labelled so                        -> use
//   GPT partition named so:  ext4                  -> use
//                            our marker, or blank  -> format
//                            anything else         -> refuse (corrupt)
//   any partition or disk with our marker          -> format
//   first autoformat device that exists: blank     -> format
//                                        else      -> refuse: it holds data
//   none of these                                  -> memory
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "init/block.h"

namespace diatom::init {

struct StateChoice {
    enum class Action : std::uint8_t { use, format, memory };
    Action action = Action::memory;
    BlockDevice device;   // unless memory
    std::string problem;  // why a device that was meant cannot be used; empty when none was
    std::string note;     // for the log
};

StateChoice choose_state(const std::vector<BlockDevice>& devices, const std::string& label,
                         const std::vector<std::string>& autoformat);

}  // namespace diatom::init
