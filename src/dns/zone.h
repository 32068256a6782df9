// The names of one network's containers, and what of them a container sees. Thread side: one thread at a time; pure.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.h"

namespace diatom::dns {

struct Range {
    Address base;
    unsigned prefix = 0;
    bool contains(const Address& address) const noexcept;
};

class Zone {
public:
    // The names of `owner` (case does not matter) and its addresses, in place of those that it had. Without addresses:
    // names that exist and do not run. The first name is what a reverse lookup gives.
    void put(const std::string& owner, const std::vector<std::string>& names, std::vector<Address> addresses);
    void remove(const std::string& owner);
    void set_ranges(std::vector<Range> ranges) { ranges_ = std::move(ranges); }

    bool knows(const std::string& name) const { return names_.contains(name); }
    bool runs(const std::string& name) const;
    // In another order each time: clients take the first.
    std::vector<Address> find(const std::string& name, Address::Family family);
    std::string name_of(const Address& address) const;  // empty: nobody's
    bool contains(const Address& address) const;        // whether it is of this network

private:
    struct Owner {
        std::vector<std::string> names;
        std::vector<Address> addresses;
    };
    std::map<std::string, Owner> owners_;
    std::map<std::string, std::set<std::string>> names_;  // name -> owners
    std::map<Address, std::string> addresses_;            // -> owner
    std::vector<Range> ranges_;
    std::size_t turn_ = 0;
};

// What one container sees: its networks, in the order in which they are asked.
struct Membership {
    std::string network;
    std::shared_ptr<Zone> zone;
};
struct View {
    std::vector<Membership> networks;
    std::map<std::string, std::string> links;  // names that exist for this container only -> name in its networks
    bool leaves = true;                        // whether other names may be asked outside
};

// answer: ours; forward: outside, if the view leaves; else the answer is "server failure", as Docker's.
//
// What stays here, although nobody has it: a name of one label (an address record of it would be a top-level domain's),
// NAME.NETWORK of a container that exists but does not run, the address of one of the view's networks, any other type
// of record of a name that is ours.
enum class Decision : std::uint8_t { answer, forward };
Decision decide(const View& view, const Query& query, Answer& answer);

}  // namespace diatom::dns
