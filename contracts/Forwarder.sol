// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

/// What a forwarder answers to, besides being paid.
interface IForwarder {
    /// Moves the whole balance of each asset to the destination; address(0) is the chain's own coin.
    /// Anyone may call it. Reverts if the balance of one of them did not fall: nothing then moved.
    function flush(address[] calldata assets) external;
}

/// @title A deposit address: what reaches it can only leave for the destination fixed at creation.
/// @notice It has no owner, no way to change its destination, no delegatecall and no self-destruct, so it does not
/// matter who calls it. It may be paid before it exists: its address follows from factory, salt and destination alone.
/// @dev Assembly because every byte of this code is paid for (200 gas) at each deposit address that is swept: the same
/// in plain Solidity is four times as long.
contract Forwarder {
    address private immutable destination;

    /// @dev Sweeps the coin that came before the code. A destination that refuses coin does not fail the creation:
    /// one wei from a stranger would otherwise lock every token sent here.
    constructor(address to) payable {
        destination = to;
        assembly {
            if selfbalance() {
                pop(call(gas(), to, selfbalance(), 0, 0, 0, 0))
            }
        }
    }

    /// @dev Empty calldata: a payment, kept until a flush (the 2300 gas stipend is enough). Else it must be
    /// IForwarder.flush in its standard encoding, whose array items begin at byte 0x44. A token is judged by its
    /// balance alone: some return nothing, some return false although they paid. A token whose balanceOf fails leaves
    /// its selector in memory, which reads as a balance that does not fall: a revert.
    fallback() external payable {
        address to = destination;
        assembly {
            function balance_(asset) -> units {
                units := selfbalance()
                if asset {
                    mstore(0x00, 0x70a08231) // balanceOf(address)
                    mstore(0x20, address())
                    pop(staticcall(gas(), asset, 0x1c, 0x24, 0x00, 0x20))
                    units := mload(0x00)
                }
            }
            if calldatasize() {
                if iszero(eq(shr(0xe0, calldataload(0)), 0x48897c52)) { // flush(address[])
                    revert(0, 0)
                }
                for { let at := 0x44 } lt(at, calldatasize()) { at := add(at, 0x20) } {
                    let asset := calldataload(at)
                    let held := balance_(asset)
                    if held {
                        switch asset
                        case 0 {
                            pop(call(gas(), to, held, 0, 0, 0, 0))
                        }
                        default {
                            mstore(0x00, 0xa9059cbb) // transfer(address,uint256)
                            mstore(0x20, to)
                            mstore(0x40, held)
                            pop(call(gas(), asset, 0, 0x1c, 0x44, 0, 0))
                        }
                        if iszero(lt(balance_(asset), held)) {
                            revert(0, 0)
                        }
                    }
                }
            }
        }
    }
}
