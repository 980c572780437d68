// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import "./Forwarder.sol";

/// @title Puts forwarders at addresses that were known, and perhaps paid, before.
/// @notice Anyone may deploy any forwarder: other parameters give another address.
contract Factory {
    /// Creates the forwarder of (destination, salt), which sends on its coin at once. Reverts if it is there already.
    /// forwarder = last 20 bytes of keccak256(0xff ++ this ++ salt ++ keccak256(creation code ++ abi(destination))).
    function deploy(address destination, bytes32 salt) external returns (address forwarder) {
        return address(new Forwarder{salt: salt}(destination));
    }
}
