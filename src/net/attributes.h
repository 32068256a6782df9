// Walking the attributes of a netlink message (libmnl's own loops are C only). Thread side: any.
#pragma once

#include <libmnl/libmnl.h>

namespace diatom::net {

// Calls `each(const nlattr&)` for the attributes after the message's fixed header of `header` bytes.
template <class Each>
void for_each_attribute(const nlmsghdr& message, std::size_t header, Each&& each) {
    const auto* attribute = static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, header));
    const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(&message));
    while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
        each(*attribute);
        attribute = mnl_attr_next(attribute);
    }
}

template <class Each>
void for_each_nested(const nlattr& nest, Each&& each) {
    const auto* attribute = static_cast<const nlattr*>(mnl_attr_get_payload(&nest));
    const auto* end = reinterpret_cast<const char*>(attribute) + mnl_attr_get_payload_len(&nest);
    while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
        each(*attribute);
        attribute = mnl_attr_next(attribute);
    }
}

}  // namespace diatom::net
