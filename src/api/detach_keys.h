// The key sequence by which a terminal client leaves a container running ("ctrl-p,ctrl-q" unless configured).
// Source: Docker's detachKeys parameter: comma-separated letters or ctrl-<a-z @ [ \ ] ^ _>. Thread side: any.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace diatom::api {

class DetachKeys {
public:
    static Result<DetachKeys> parse(std::string_view text);

    struct Scanned {
        std::string pass;       // what goes to the process
        bool detached = false;  // the sequence is complete
    };
    // Holds back a beginning of the sequence until it is completed or broken, across calls.
    Scanned scan(std::string_view input);

private:
    std::string sequence_ = "\x10\x11";
    std::size_t matched_ = 0;
};

}  // namespace diatom::api
